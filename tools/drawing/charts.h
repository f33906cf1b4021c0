// Charts: lines and points over two axes, and grouped bars.
#pragma once

#include <metron/tools/drawing/axis.h>
#include <metron/tools/drawing/canvas.h>
#include <metron/tools/drawing/theme.h>

#include <string>
#include <vector>

namespace metron::drawing {

enum class Marker : std::uint8_t { none, circle, square, triangle, diamond };

struct Series {
  std::string name;                // in the legend, if not empty
  std::vector<Point> points = {};  // non-finite points interrupt the line
  std::size_t color = 0;           // index into the theme's palette
  double width = 2;                // of the line; 0: none
  bool dashed = false;
  double opacity = 1;
  Marker marker = Marker::none;
  double marker_size = 7;
  std::vector<std::string> labels = {};  // next to the points, one each; or none
};

struct LineChart {
  std::string title;
  Axis x, y;
  std::vector<Series> series;
};

// The data area and its axes.
struct Plot {
  Rect area;
  AxisMap x, y;
};

// ValueError if `where` is too small for axes and labels. Series without points are skipped.
Plot draw(Canvas& canvas, const Rect& where, const LineChart& chart, const Theme& theme);

struct BarGroup {
  std::string name;
  std::vector<double> values;  // one per series; no bar if negative or not finite
};

// Horizontal bars, since group names are words.
struct BarChart {
  std::string title;
  Axis value;  // linear from 0, or logarithmic
  std::vector<std::string> series;
  std::vector<BarGroup> groups;
  std::string unit;  // after the value at the end of each bar
};

struct BarPlot {
  Rect area;
  AxisMap value;
  std::vector<std::vector<Rect>> bars;  // by group and series
};

BarPlot draw(Canvas& canvas, const Rect& where, const BarChart& chart, const Theme& theme);
// The height at which its bars are well spaced.
double natural_height(const BarChart& chart);

}  // namespace metron::drawing
