// Color themes, light and dark.
#pragma once

#include <metron/tools/drawing/geometry.h>

#include <array>

namespace metron::drawing {

struct Theme {
  Color background, panel, ink, muted, axis, grid;
  Color mark;  // of warnings, as text
  // Distinguishable with any color blindness, after Okabe and Ito, "Color universal design" (2008).
  std::array<Color, 8> palette;
  // From cheap to expensive, with increasing contrast to the background, so that the order needs no hue.
  Color cold, hot;

  const Color& series(std::size_t i) const { return palette[i % palette.size()]; }
  Color heat(double part) const { return cold.mixed(hot, part); }  // 0 to 1
};

// The contrast ratio of two opaque colors, from 1 to 21 (WCAG 2.1).
double contrast(const Color& a, const Color& b);

const Theme& light_theme();
const Theme& dark_theme();

}  // namespace metron::drawing
