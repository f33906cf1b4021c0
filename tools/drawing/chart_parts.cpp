#include <metron/tools/drawing/chart_parts.h>

#include <algorithm>
#include <array>

namespace metron::drawing {

void draw_marker(Canvas& canvas, Point at, Marker marker, double size, Color fill, Color outline) {
  const double r = size / 2;
  const Stroke edge{outline, 1};
  switch (marker) {
    case Marker::none:
      return;
    case Marker::circle:
      return canvas.ellipse({at.x - r, at.y - r, size, size}, fill, edge);
    case Marker::square:
      return canvas.rectangle({at.x - r * 0.9, at.y - r * 0.9, size * 0.9, size * 0.9}, fill, edge);
    case Marker::triangle: {  // centroid at the point
      const std::array<Point, 3> corners{
          {{at.x, at.y - r * 1.2}, {at.x + r * 1.04, at.y + r * 0.6}, {at.x - r * 1.04, at.y + r * 0.6}}};
      return canvas.polygon(corners, fill, edge);
    }
    case Marker::diamond: {
      const double d = r * 1.2;
      const std::array<Point, 4> corners{
          {{at.x, at.y - d}, {at.x + d, at.y}, {at.x, at.y + d}, {at.x - d, at.y}}};
      return canvas.polygon(corners, fill, edge);
    }
  }
}

Rect draw_heading(Canvas& canvas, const Rect& where, const std::string& title,
                  const std::vector<LegendEntry>& legend, const Theme& theme) {
  Rect remaining = where;
  const auto take = [&remaining](double height) {
    remaining.y += height;
    remaining.height -= height;
  };
  if (!title.empty()) {
    const TextStyle style{title_size, theme.ink, true};
    canvas.text(Canvas::fitted(title, style, where.width), {where.x, remaining.y}, style, Align::left,
                Baseline::top);
    take(title_size * 1.9);
  }
  constexpr double key = 22, gap = 6, between = 18, row = label_size * 1.7;
  const TextStyle style{label_size, theme.ink};
  double x = where.x;
  bool any = false;
  for (const LegendEntry& entry : legend) {
    if (entry.name.empty()) continue;
    const std::string name = Canvas::fitted(entry.name, style, where.width - key - gap);
    const double width = key + gap + Canvas::measure(name, style).width;
    if (any && x + width > where.right()) {
      x = where.x;
      take(row);
    }
    any = true;
    const double y = remaining.y + row / 2;
    if (entry.line) {
      const Stroke stroke{entry.color, std::max(entry.width, 1.5),
                          entry.dashed ? std::vector<double>{5, 4} : std::vector<double>{}};
      if (entry.width > 0) canvas.line({x, y}, {x + key, y}, stroke);
      draw_marker(canvas, {x + key / 2, y}, entry.marker, 7, entry.color, theme.background);
    } else {
      canvas.rectangle({x + key - 13, y - 6, 12, 12}, entry.color, {}, 2);
    }
    canvas.text(name, {x + key + gap, y}, style, Align::left, Baseline::middle);
    x += width + between;
  }
  if (any) take(row + 6);
  return remaining;
}

double widest(const std::vector<Tick>& ticks) {
  double width = 0;
  for (const Tick& tick : ticks) width = std::max(width, Canvas::measure(tick.label, {tick_size, {}}).width);
  return width;
}

int ticks_that_fit(double length, double label_length) {
  return std::clamp(static_cast<int>(length / label_length), 2, 10);
}

}  // namespace metron::drawing
