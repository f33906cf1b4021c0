// Points, rectangles and colors of a picture. x grows to the right and y downwards, in units of 1/96 inch.
#pragma once

#include <cstdint>

namespace metron::drawing {

struct Point {
  double x = 0;
  double y = 0;
};

struct Rect {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;

  double right() const { return x + width; }
  double bottom() const { return y + height; }
  Point center() const { return {x + width / 2, y + height / 2}; }
  Rect shrunk(double margin) const {
    return {x + margin, y + margin, width - 2 * margin, height - 2 * margin};
  }
  bool contains(Point p) const { return p.x >= x && p.x <= right() && p.y >= y && p.y <= bottom(); }
  bool contains(const Rect& r) const {
    return r.x >= x && r.y >= y && r.right() <= right() && r.bottom() <= bottom();
  }
  bool overlaps(const Rect& r) const {
    return r.x < right() && x < r.right() && r.y < bottom() && y < r.bottom();
  }
};

struct Color {
  double r = 0;
  double g = 0;
  double b = 0;
  double a = 0;  // 0: nothing is drawn

  static constexpr Color hex(std::uint32_t rgb, double opacity = 1) {
    return {static_cast<double>(rgb >> 16 & 255) / 255, static_cast<double>(rgb >> 8 & 255) / 255,
            static_cast<double>(rgb & 255) / 255, opacity};
  }
  constexpr Color with_opacity(double opacity) const { return {r, g, b, opacity}; }
  constexpr Color mixed(const Color& other, double part) const {  // part: weight of `other`
    return {r + (other.r - r) * part, g + (other.g - g) * part, b + (other.b - b) * part,
            a + (other.a - a) * part};
  }
};

}  // namespace metron::drawing
