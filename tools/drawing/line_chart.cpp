// Lines and points over two axes.
#include <metron/core/error.h>
#include <metron/tools/drawing/chart_parts.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace metron::drawing {
namespace {

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void add(double value, Scale scale) {
    if (!std::isfinite(value) || (scale == Scale::logarithmic && value <= 0)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  void settle(Scale scale) {  // if there is no data
    if (low <= high) return;
    low = scale == Scale::logarithmic ? 1 : 0;
    high = scale == Scale::logarithmic ? 10 : 1;
  }
};

bool is_finite(Point p) { return std::isfinite(p.x) && std::isfinite(p.y); }

void draw_grid(Canvas& canvas, const Plot& plot, const LineChart& chart, const Theme& theme) {
  const TextStyle style{tick_size, theme.muted};
  const Rect& area = plot.area;
  for (const Tick& tick : plot.y.ticks()) {
    const double y = plot.y(tick.value);
    canvas.line({area.x, y}, {area.right(), y}, {theme.grid, 1});
    canvas.text(tick.label, {area.x - 7, y}, style, Align::right, Baseline::middle);
  }
  double taken = -1e9;  // right end of the last label, as labels must not touch
  for (const Tick& tick : plot.x.ticks()) {
    const double x = plot.x(tick.value);
    if (chart.x.scale == Scale::logarithmic) canvas.line({x, area.y}, {x, area.bottom()}, {theme.grid, 1});
    canvas.line({x, area.bottom()}, {x, area.bottom() + 4}, {theme.axis, 1});
    const double half = Canvas::measure(tick.label, style).width / 2;
    if (x - half < taken + 6) continue;
    taken = x + half;
    canvas.text(tick.label, {x, area.bottom() + 7}, style, Align::center, Baseline::top);
  }
  canvas.line({area.x, area.bottom()}, {area.right(), area.bottom()}, {theme.axis, 1});
  canvas.line({area.x, area.y}, {area.x, area.bottom()}, {theme.axis, 1});
}

void draw_series(Canvas& canvas, const Plot& plot, const Series& series, const Theme& theme) {
  const Color color = theme.series(series.color).with_opacity(series.opacity);
  const Stroke stroke{color, series.width, series.dashed ? std::vector<double>{6, 4} : std::vector<double>{}};
  std::vector<Point> line;
  const auto finish = [&] {
    if (line.size() > 1 && series.width > 0) canvas.polyline(line, stroke);
    line.clear();
  };
  for (const Point& p : series.points) {
    if (is_finite(p)) {
      line.push_back({plot.x(p.x), plot.y(p.y)});
    } else {
      finish();
    }
  }
  finish();
}

void draw_markers(Canvas& canvas, const Plot& plot, const Series& series, const Theme& theme) {
  for (const Point& p : series.points) {
    if (!is_finite(p)) continue;
    draw_marker(canvas, {plot.x(p.x), plot.y(p.y)}, series.marker, series.marker_size,
                theme.series(series.color).with_opacity(series.opacity), theme.background);
  }
}

// Places each label at the nearest free position, clear of points, other labels and the frame.
void draw_labels(Canvas& canvas, const Plot& plot, const std::vector<Series>& all, const Theme& theme) {
  std::vector<Rect> taken;
  for (const Series& series : all) {
    if (series.marker == Marker::none) continue;
    for (const Point& p : series.points) {
      if (!is_finite(p)) continue;
      const double r = series.marker_size / 2 + 1;
      taken.push_back({plot.x(p.x) - r, plot.y(p.y) - r, 2 * r, 2 * r});
    }
  }
  const TextStyle style{tick_size, theme.ink};
  for (const Series& series : all) {
    for (std::size_t i = 0; i < std::min(series.labels.size(), series.points.size()); ++i) {
      if (series.labels[i].empty() || !is_finite(series.points[i])) continue;
      const Point at{plot.x(series.points[i].x), plot.y(series.points[i].y)};
      const TextExtent size = Canvas::measure(series.labels[i], style);
      Rect position;
      const auto is_free = [&](const Rect& rect) {
        return plot.area.contains(rect) && std::none_of(taken.begin(), taken.end(), [&](const Rect& other) {
                 return other.overlaps(rect);
               });
      };
      bool found = false;
      for (double distance = series.marker_size / 2 + 3; distance < 160 && !found; distance += 7) {
        for (const Point& way : {Point{1, 0},
                                 {-1, 0},
                                 {0, -1},
                                 {0, 1},
                                 {0.75, -0.75},
                                 {0.75, 0.75},
                                 {-0.75, -0.75},
                                 {-0.75, 0.75}}) {
          const double x = at.x + way.x * distance - size.width * (1 - way.x) / 2;
          const double y = at.y + way.y * distance - size.height() * (1 - way.y) / 2;
          position = {x, y, size.width, size.height()};
          found = is_free(position);
          if (found) break;
        }
      }
      if (!found) continue;  // the table next to the picture has the value
      taken.push_back(position);
      const Point nearest{std::clamp(at.x, position.x, position.right()),
                          std::clamp(at.y, position.y, position.bottom())};
      if (std::hypot(nearest.x - at.x, nearest.y - at.y) > series.marker_size + 6)
        canvas.line(at, nearest, {theme.axis, 0.8});
      canvas.text(series.labels[i], {position.x, position.y}, style, Align::left, Baseline::top);
    }
  }
}

std::vector<LegendEntry> legend_of(const LineChart& chart, const Theme& theme) {
  std::vector<LegendEntry> legend;
  for (const Series& series : chart.series) {
    if (series.points.empty()) continue;
    legend.push_back({series.name, theme.series(series.color).with_opacity(series.opacity), true,
                      series.dashed, series.marker, series.width});
  }
  return legend;
}

}  // namespace

Plot draw(Canvas& canvas, const Rect& where, const LineChart& chart, const Theme& theme) {
  Range xs, ys;
  for (const Series& series : chart.series) {
    for (const Point& p : series.points) {
      if (!is_finite(p)) continue;
      xs.add(p.x, chart.x.scale);
      ys.add(p.y, chart.y.scale);
    }
  }
  xs.settle(chart.x.scale);
  ys.settle(chart.y.scale);

  Rect remaining = draw_heading(canvas, where, chart.title, legend_of(chart, theme), theme);
  const TextStyle label{label_size, theme.muted};
  if (!chart.y.label.empty()) {  // above the axis, so that it needs no rotation
    canvas.text(Canvas::fitted(chart.y.label, label, remaining.width), {remaining.x, remaining.y}, label,
                Align::left, Baseline::top);
    remaining.y += label_size * 1.8;
    remaining.height -= label_size * 1.8;
  } else {
    remaining.y += tick_size / 2;
    remaining.height -= tick_size / 2;
  }
  const double below = tick_size * 2 + (chart.x.label.empty() ? 0 : label_size * 1.8);
  const double bottom = remaining.bottom() - below;
  const int most_y = ticks_that_fit(bottom - remaining.y, tick_size * 3.2);
  const AxisMap y(chart.y, ys.low, ys.high, bottom, remaining.y, most_y);
  const double left = remaining.x + widest(y.ticks()) + 10;
  // Half of the last label may extend to the right.
  AxisMap x(chart.x, xs.low, xs.high, left, remaining.right() - 8,
            ticks_that_fit(remaining.right() - left, 62));
  const double half =
      x.ticks().empty() ? 0 : Canvas::measure(x.ticks().back().label, {tick_size, {}}).width / 2;
  const double right = remaining.right() - std::max(half, 8.0);
  x = AxisMap(chart.x, xs.low, xs.high, left, right, ticks_that_fit(right - left, 62));
  const Plot plot{{left, remaining.y, right - left, bottom - remaining.y}, x, y};
  check<ValueError>(plot.area.width >= 40 && plot.area.height >= 40, "drawing",
                    "a chart needs more room than ", where.width, " by ", where.height);

  draw_grid(canvas, plot, chart, theme);
  {
    const Canvas::Clip clip(canvas,
                            {plot.area.x - 1, plot.area.y - 1, plot.area.width + 2, plot.area.height + 2});
    for (const Series& series : chart.series) draw_series(canvas, plot, series, theme);
  }
  for (const Series& series : chart.series) draw_markers(canvas, plot, series, theme);
  draw_labels(canvas, plot, chart.series, theme);
  if (!chart.x.label.empty())
    canvas.text(Canvas::fitted(chart.x.label, label, plot.area.width),
                {plot.area.center().x, remaining.bottom() - label_size * 1.3}, label, Align::center,
                Baseline::top);
  return plot;
}

}  // namespace metron::drawing
