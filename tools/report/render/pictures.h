// The report's charts, from a Report's numbers alone.
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
// The share of a step of the ops that are among the most expensive at some batch size.
drawing::BarChart batch_chart(const Report& report, const Language& text);
// The first step of a process and a warm one, at the largest batch size.
drawing::BarChart cold_chart(const Report& report, const Language& text);
drawing::LineChart roofline_chart(const Report& report, const Language& text);

// Each picture that the report has numbers for: its name without suffix, and how it is drawn.
struct Picture {
  std::string name;  // "loss"
  std::string what;  // in the report's language
  std::function<drawing::Canvas(const drawing::Theme&)> draw;
};
std::vector<Picture> pictures(const Report& report, const Language& text);

// The language of the pictures' texts: English where no font has the characters of `text`.
const Language& picture_language(const Language& text);

// A chart on a canvas of its own, where drawing::draw puts it.
drawing::Rect chart_area(const drawing::Canvas& canvas);

}  // namespace metron::report
