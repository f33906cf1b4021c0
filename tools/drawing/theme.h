// Colors of a light and a dark picture.
#pragma once

#include <metron/tools/drawing/geometry.h>

#include <array>

namespace metron::drawing {

struct Theme {
  Color background, panel, ink, muted, axis, grid;
  // Distinguishable with every kind of color blindness: after Okabe and Ito, "Color universal design" (2008).
  std::array<Color, 8> palette;
  // From cheap to expensive: dark on light and light on dark, so that order survives without any hue.
  Color cold, hot;

  const Color& series(std::size_t i) const { return palette[i % palette.size()]; }
  Color heat(double part) const { return cold.mixed(hot, part); }  // 0 to 1
};

const Theme& light_theme();
const Theme& dark_theme();

}  // namespace metron::drawing
