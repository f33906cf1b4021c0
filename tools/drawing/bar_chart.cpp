// Grouped horizontal bars.
#include <metron/core/error.h>
#include <metron/tools/drawing/chart_parts.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace metron::drawing {
namespace {

constexpr double bar_height = 13;
constexpr double group_gap = 12;
constexpr double axis_height = tick_size * 2;

double group_height(const BarChart& chart) {
  return static_cast<double>(std::max<std::size_t>(chart.series.size(), 1)) * bar_height;
}

bool is_shown(const BarChart& chart, double value) {
  return std::isfinite(value) && (chart.value.scale == Scale::logarithmic ? value > 0 : value >= 0);
}

std::string value_text(const BarChart& chart, double value) { return number_text(value) + chart.unit; }

}  // namespace

double natural_height(const BarChart& chart) {
  const double groups = static_cast<double>(std::max<std::size_t>(chart.groups.size(), 1));
  double heading = chart.title.empty() ? 0 : title_size * 1.9;
  if (!chart.series.empty()) heading += 2 * label_size * 1.7 + 6;  // a legend may take two rows
  return heading + groups * (group_height(chart) + group_gap) + axis_height +
         (chart.value.label.empty() ? 0 : label_size * 1.8);
}

BarPlot draw(Canvas& canvas, const Rect& where, const BarChart& chart, const Theme& theme) {
  std::vector<LegendEntry> legend;
  for (std::size_t s = 0; s < chart.series.size(); ++s)
    legend.push_back({chart.series[s], theme.series(s), false});
  const Rect remaining = draw_heading(canvas, where, chart.title, legend, theme);

  const bool logarithmic = chart.value.scale == Scale::logarithmic;
  double low = std::numeric_limits<double>::infinity(), high = -low, names = 0, values = 0;
  const TextStyle name_style{label_size, theme.ink}, value_style{tick_size, theme.muted};
  for (const BarGroup& group : chart.groups) {
    names = std::max(names, Canvas::measure(group.name, name_style).width);
    for (const double value : group.values) {
      if (!is_shown(chart, value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
      values = std::max(values, Canvas::measure(value_text(chart, value), value_style).width);
    }
  }
  if (!logarithmic) low = 0;
  if (!(low <= high)) low = logarithmic ? 1 : 0, high = logarithmic ? 10 : 1;
  names = std::min(names, where.width * 0.4);

  Axis axis = chart.value;
  if (!logarithmic && !axis.low) axis.low = 0;
  const double left = remaining.x + names + 10, right = remaining.right() - values - 10;
  const double bottom = remaining.bottom() - axis_height - (axis.label.empty() ? 0 : label_size * 1.8);
  BarPlot plot{{left, remaining.y, right - left, bottom - remaining.y},
               AxisMap(axis, low, high, left, right, ticks_that_fit(right - left, 70)),
               {}};
  check<ValueError>(plot.area.width >= 40 && plot.area.height >= 20, "drawing",
                    "a chart needs more room than ", where.width, " by ", where.height);

  double taken = -1e9;
  for (const Tick& tick : plot.value.ticks()) {
    const double x = plot.value(tick.value);
    canvas.line({x, plot.area.y}, {x, bottom}, {theme.grid, 1});
    const double half = Canvas::measure(tick.label, value_style).width / 2;
    if (x - half < taken + 6 || x + half > where.right()) continue;
    taken = x + half;
    canvas.text(tick.label, {x, bottom + 6}, value_style, Align::center, Baseline::top);
  }
  const double slot = plot.area.height / static_cast<double>(std::max<std::size_t>(chart.groups.size(), 1));
  const double series = static_cast<double>(std::max<std::size_t>(chart.series.size(), 1));
  const double thickness = std::min(bar_height, slot * 0.8 / series);
  for (std::size_t g = 0; g < chart.groups.size(); ++g) {
    const BarGroup& group = chart.groups[g];
    const double middle = plot.area.y + (static_cast<double>(g) + 0.5) * slot;
    canvas.text(Canvas::fitted(group.name, name_style, names), {left - 10, middle}, name_style, Align::right,
                Baseline::middle);
    double y = middle - thickness * series / 2;
    std::vector<Rect>& bars = plot.bars.emplace_back();
    for (std::size_t s = 0; s < group.values.size(); ++s, y += thickness) {
      const double value = group.values[s];
      const double end = is_shown(chart, value) ? plot.value(value) : left;
      bars.push_back({left, y + 0.5, end - left, thickness - 1});
      if (!is_shown(chart, value)) continue;
      canvas.rectangle(bars.back(), theme.series(s));
      canvas.text(value_text(chart, value), {end + 5, y + thickness / 2}, value_style, Align::left,
                  Baseline::middle);
    }
  }
  canvas.line({left, plot.area.y}, {left, bottom}, {theme.axis, 1});
  if (!axis.label.empty()) {
    const TextStyle label{label_size, theme.muted};
    canvas.text(Canvas::fitted(axis.label, label, remaining.width),
                {plot.area.center().x, remaining.bottom() - label_size * 1.3}, label, Align::center,
                Baseline::top);
  }
  return plot;
}

}  // namespace metron::drawing
