// Locates a color in a decoded picture.
#pragma once

#include <metron/tools/drawing/geometry.h>

#include <algorithm>

#include "decoded_png.h"

namespace metron::drawing {

inline Pixel pixel_of(const Color& c) {
  return {static_cast<int>(c.r * 255 + 0.5), static_cast<int>(c.g * 255 + 0.5),
          static_cast<int>(c.b * 255 + 0.5), 255};
}

// The center, in pixels, of the pixels with this color inside a rectangle in units.
struct Blob {
  double x = 0, y = 0;
  int pixels = 0;
};
inline Blob find_color(const DecodedPng& png, const Color& color, const Rect& where, double scale,
                       int tolerance = 24) {
  Blob blob;
  const Pixel target = pixel_of(color);
  const auto clamped = [](double v, int high) { return std::clamp(static_cast<int>(v), 0, high); };
  for (int y = clamped(where.y * scale, png.height); y < clamped(where.bottom() * scale, png.height); ++y) {
    for (int x = clamped(where.x * scale, png.width); x < clamped(where.right() * scale, png.width); ++x) {
      if (!png.at(x, y).is_near(target, tolerance)) continue;
      blob.x += x + 0.5;
      blob.y += y + 0.5;
      ++blob.pixels;
    }
  }
  if (blob.pixels > 0) blob.x /= blob.pixels, blob.y /= blob.pixels;
  return blob;
}

}  // namespace metron::drawing
