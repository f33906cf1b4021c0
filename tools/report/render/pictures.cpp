#include <metron/core/numbers.h>
#include <metron/tools/report/render/pictures.h>
#include <metron/tools/report/render/terms.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace metron::report {
namespace {

using drawing::Canvas;
using drawing::Theme;

constexpr double chart_width = 860, chart_height = 440, margin = 16;
constexpr std::size_t ops_shown = 8;  // per batch size

std::string batch_name(const Language& text, std::int64_t batch) {
  return text("batch size {0}", {std::to_string(batch)});
}

template <typename Chart>
Canvas drawn(const Chart& chart, double height, const Theme& theme) {
  Canvas canvas(chart_width, height, theme.background);
  draw(canvas, chart_area(canvas), chart, theme);
  return canvas;
}

// A single value in place of a chart.
Canvas number_picture(const std::string& title, const std::string& number, const std::string& note,
                      const Theme& theme) {
  constexpr double height = 140, title_size = 15, number_size = 40, note_size = 13;
  Canvas canvas(chart_width, height, theme.background);
  const auto line = [&](const std::string& text, double y, const drawing::TextStyle& style) {
    canvas.text(text, {margin, y}, style, drawing::Align::left, drawing::Baseline::top);
  };
  line(title, margin, {.size = title_size, .color = theme.ink, .bold = true});
  line(number, 44, {.size = number_size, .color = theme.ink, .bold = true});
  line(note, 104, {.size = note_size, .color = theme.muted});
  return canvas;
}

}  // namespace

drawing::Rect chart_area(const Canvas& canvas) { return canvas.area().shrunk(margin); }

drawing::LineChart loss_chart(const Report& report, const Language& text) {
  const Curve& curve = report.training.curve;
  drawing::LineChart chart;
  chart.title = text("Loss of the training steps");
  chart.x.label = text("step");
  chart.y.label = text("loss (mean of the batch)");
  chart.y.low = 0;
  drawing::Series steps{text("each step")}, smooth, tests{text("test, mean loss")};
  smooth.name = text("mean of the last {0} steps", {std::to_string(curve.window)});
  steps.color = smooth.color = 0;
  steps.width = 1;
  steps.opacity = 0.3;
  for (std::size_t i = 0; i < curve.step.size(); ++i) {
    const auto step = static_cast<double>(curve.step[i]);
    steps.points.push_back({step, curve.loss[i]});
    smooth.points.push_back({step, curve.smoothed[i]});
  }
  tests.color = 1;
  tests.width = 0;
  tests.marker = drawing::Marker::diamond;
  for (const Test& test : report.training.tests)
    tests.points.push_back({static_cast<double>(test.step), test.loss});
  chart.series = {std::move(steps), std::move(smooth), std::move(tests)};
  return chart;
}

drawing::LineChart accuracy_chart(const Report& report, const Language& text) {
  drawing::LineChart chart;
  chart.title = text("Test accuracy after each epoch");
  chart.x.label = text("epoch");
  chart.y.label = text("accuracy, %");
  drawing::Series accuracy;
  accuracy.marker = drawing::Marker::circle;
  for (const Test& test : report.training.tests) {
    accuracy.points.push_back({static_cast<double>(test.epoch), 100 * test.accuracy});
    accuracy.labels.push_back(fixed_text(100 * test.accuracy, 2));
  }
  const auto& tests = report.training.tests;
  if (!tests.empty()) {
    constexpr std::int64_t fewest_epochs = 4;  // below this the axis would have ticks at fractions of epochs
    chart.x.low = 0;
    chart.x.high = static_cast<double>(std::max(tests.back().epoch, fewest_epochs));
    double worst = 100;
    for (const drawing::Point& point : accuracy.points) worst = std::min(worst, point.y);
    chart.y.low = std::max(std::floor(2 * worst - 100) - 1, 0.0);  // puts the worst in the middle
    chart.y.high = 100;
  }
  chart.series = {std::move(accuracy)};
  return chart;
}

drawing::BarChart batch_chart(const Report& report, const Language& text) {
  drawing::BarChart chart;
  chart.title = text("Share of a training step, by batch size");
  chart.value.label = marked(report, text("share of the wall time, %"), text);
  chart.unit = " %";
  std::set<std::pair<std::string, std::string>> wanted;
  for (const BatchSection& batch : report.batches) {
    chart.series.push_back(batch_name(text, batch.batch));
    for (std::size_t i = 0; i < std::min(ops_shown, batch.ops.size()); ++i)
      wanted.emplace(batch.ops[i].name, batch.ops[i].phase);
  }
  for (const ComparisonRow& row : report.comparison) {
    if (!wanted.contains({row.name, row.phase})) continue;
    drawing::BarGroup group{row.name, {}};
    for (const auto& share : row.share) group.values.push_back(share ? 100 * *share : -1);
    chart.groups.push_back(std::move(group));
  }
  return chart;
}

drawing::BarChart cold_chart(const Report& report, const Language& text) {
  drawing::BarChart chart;
  chart.title = text("First step of a process and a warm one");
  chart.value.label = marked(report, text("time in a step, µs"), text);
  chart.value.scale = drawing::Scale::logarithmic;
  chart.series = {text("first"), text("warm")};
  if (report.cold.empty()) return chart;
  const ColdSection& cold = report.cold.back();
  chart.title += ", " + batch_name(text, cold.batch);
  for (std::size_t i = 0; i < std::min(ops_shown + 2, cold.ops.size()); ++i)
    chart.groups.push_back({cold.ops[i].name, {cold.ops[i].cold_us, cold.ops[i].warm_us}});
  return chart;
}

const Language& picture_language(const Language& text) {
  return text.code() == chinese().code() && !drawing::has_chinese_font() ? english() : text;
}

std::vector<Picture> pictures(const Report& report, const Language& text) {
  std::vector<Picture> list;
  const auto add = [&](const std::string& name, const std::string& what, const auto& chart) {
    double height = chart_height;
    if constexpr (std::is_same_v<std::decay_t<decltype(chart)>, drawing::BarChart>)
      height = natural_height(chart) + 2 * margin;
    list.push_back({name, what, [=](const Theme& theme) { return drawn(chart, height, theme); }});
  };
  if (!report.training.curve.step.empty())
    add("loss", text("loss of the training steps"), loss_chart(report, text));
  const std::vector<Test>& tests = report.training.tests;
  if (tests.size() == 1) {  // a curve would be empty but for a point
    const std::string title = text("Test accuracy"), number = fixed_text(100 * tests[0].accuracy, 2) + " %",
                      note = text("after epoch {0}", {std::to_string(tests[0].epoch)});
    list.push_back({"accuracy", text("test accuracy"),
                    [=](const Theme& theme) { return number_picture(title, number, note, theme); }});
  }
  if (tests.size() > 1) add("accuracy", text("test accuracy after each epoch"), accuracy_chart(report, text));
  if (!report.batches.empty())
    add("batches", text("share of the most expensive operators by batch size"), batch_chart(report, text));
  if (!report.cold.empty())
    add("cold", text("first step of a process and a warm one"), cold_chart(report, text));
  if (!report.roofline.empty())
    add("roofline", text("kernels below the machine's measured roofs"), roofline_chart(report, text));
  return list;
}

}  // namespace metron::report
