// The report's charts.
#pragma once

#include <metron/tools/drawing/charts.h>
#include <metron/tools/report/render/language.h>
#include <metron/tools/report/run.h>

#include <functional>
#include <string>
#include <vector>

namespace metron::report {

drawing::LineChart loss_chart(const Report& report, const Language& text);
drawing::LineChart accuracy_chart(const Report& report, const Language& text);
// Shares of a step, for ops that are among the most expensive at any batch size.
drawing::BarChart batch_chart(const Report& report, const Language& text);
// The first step of a process and a warm one, at the largest batch size.
drawing::BarChart cold_chart(const Report& report, const Language& text);
drawing::LineChart roofline_chart(const Report& report, const Language& text);

// The pictures for which the report has data.
struct Picture {
  std::string name;  // file name without suffix: "loss"
  std::string what;  // description, in the report's language
  std::function<drawing::Canvas(const drawing::Theme&)> draw;
};
std::vector<Picture> pictures(const Report& report, const Language& text);

// The language of the pictures: English if no installed font has the characters of `text`.
const Language& picture_language(const Language& text);

// The area of a chart that has the canvas to itself.
drawing::Rect chart_area(const drawing::Canvas& canvas);

}  // namespace metron::report
