// What the kinds of charts share. Private to the drawing library.
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

// Draws the title and the legend, in as many rows as it takes, and returns what is left below them.
Rect draw_heading(Canvas& canvas, const Rect& where, const std::string& title,
                  const std::vector<LegendEntry>& legend, const Theme& theme);

void draw_marker(Canvas& canvas, Point at, Marker marker, double size, Color fill, Color outline);

// The room that the widest of the labels takes.
double widest(const std::vector<Tick>& ticks);

// How many labels of this size fit beside each other along an axis of this length.
int ticks_that_fit(double length, double label_length);

}  // namespace metron::drawing
