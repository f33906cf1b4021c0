// The roofline chart.
#include <metron/tools/report/render/pictures.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace metron::report {
namespace {

constexpr std::size_t points_named = 5;

// The multiple of a power of ten by 1, 2 or 5 at or below a positive value, or at or above it.
double round_number(double value, bool above) {
  const double power = std::pow(10, std::floor(std::log10(value)));
  double found = above ? 10 * power : power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (above ? factor * power >= value && factor * power < found : factor * power <= value)
      found = factor * power;
  }
  return found;
}

// The limits of a logarithmic axis close around its values.
struct Limits {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  void set(drawing::Axis& axis) const {
    constexpr double margin_low = 0.85, margin_high = 1.2;
    axis.low = round_number(margin_low * low, false);
    axis.high = round_number(margin_high * high, true);
  }
};

// The kernels with the largest shares at the largest batch size, each once.
std::vector<const RooflinePoint*> top_points(const Report& report) {
  std::vector<const RooflinePoint*> points;
  for (const RooflinePoint& point : report.roofline)
    if (!report.batches.empty() && point.batch == report.batches.back().batch) points.push_back(&point);
  std::stable_sort(points.begin(), points.end(),
                   [](const auto* a, const auto* b) { return a->share > b->share; });
  std::vector<const RooflinePoint*> top;
  for (const RooflinePoint* point : points) {
    const auto is_same = [&](const RooflinePoint* other) { return other->name == point->name; };
    if (top.size() < points_named && std::none_of(top.begin(), top.end(), is_same)) top.push_back(point);
  }
  return top;
}

// The roof in GFLOP/s at an arithmetic intensity.
double roof_at(const Roofs& roofs, double intensity) {
  return std::min(*roofs.gflops, intensity * *roofs.gbytes);
}

}  // namespace

drawing::LineChart roofline_chart(const Report& report, const Language& text) {
  drawing::LineChart chart;
  chart.title = text("Kernels below the roofs of this machine");
  chart.x.label = text("FLOP per byte");
  chart.y.label = "GFLOP/s";
  chart.x.scale = chart.y.scale = drawing::Scale::logarithmic;
  constexpr drawing::Marker markers[]{drawing::Marker::circle, drawing::Marker::square,
                                      drawing::Marker::triangle, drawing::Marker::diamond};
  Limits x, y;
  for (const RooflinePoint& point : report.roofline) {
    x.add(point.intensity);
    y.add(point.gflops);
  }
  if (report.roofs.gflops && report.roofs.gbytes && *report.roofs.gbytes > 0) {
    const double ridge = *report.roofs.gflops / *report.roofs.gbytes;
    constexpr double decade = 10;  // a ridge farther away would leave an empty one
    if (ridge > x.low / decade && ridge < x.high * decade) x.add(ridge);
    x.set(chart.x);
    y.add(roof_at(report.roofs, *chart.x.high));
    drawing::Series roof{text("measured roofs")};
    for (const double at : {*chart.x.low, ridge, *chart.x.high})
      if (at >= *chart.x.low && at <= *chart.x.high) roof.points.push_back({at, roof_at(report.roofs, at)});
    roof.color = 7;
    chart.series.push_back(std::move(roof));
  } else {
    x.set(chart.x);
  }
  y.set(chart.y);
  const std::vector<const RooflinePoint*> top = top_points(report);
  std::vector<drawing::Series> cached;  // the memory roof does not apply to them
  for (std::size_t b = 0; b < report.batches.size(); ++b) {
    drawing::Series series{text("batch size {0}", {std::to_string(report.batches[b].batch)})};
    series.color = b;
    series.width = 0;
    series.marker = markers[b % std::size(markers)];
    drawing::Series pale = series;
    pale.name = "";
    pale.opacity = 0.35;
    for (const RooflinePoint& point : report.roofline) {
      if (point.batch != report.batches[b].batch) continue;
      drawing::Series& shown = point.roof_kind == "cached" ? pale : series;
      shown.points.push_back({point.intensity, point.gflops});
      const bool named = std::find(top.begin(), top.end(), &point) != top.end();
      shown.labels.push_back(named ? point.name : "");
    }
    chart.series.push_back(std::move(series));
    if (!pale.points.empty()) cached.push_back(std::move(pale));
  }
  if (!cached.empty()) cached.front().name = text("pale: operands in a cache");
  chart.series.insert(chart.series.end(), cached.begin(), cached.end());
  return chart;
}

}  // namespace metron::report
