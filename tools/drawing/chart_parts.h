// Shared by all kinds of charts. Private to the drawing library.
#pragma once

#include <metron/tools/drawing/charts.h>

namespace metron::drawing {

inline constexpr double title_size = 15;
inline constexpr double label_size = 12;
inline constexpr double tick_size = 11;

struct LegendEntry {
  std::string name;
  Color color;
  bool line = true;
  bool dashed = false;
  Marker marker = Marker::none;
  double width = 2;
};

// Draws the title and the legend, in as many rows as needed, and returns the remaining area.
Rect draw_heading(Canvas& canvas, const Rect& where, const std::string& title,
                  const std::vector<LegendEntry>& legend, const Theme& theme);

void draw_marker(Canvas& canvas, Point at, Marker marker, double size, Color fill, Color outline);

// Width of the widest label.
double widest(const std::vector<Tick>& ticks);

// How many labels of this length fit along the axis.
int ticks_that_fit(double length, double label_length);

}  // namespace metron::drawing
