#include <metron/tools/drawing/theme.h>

#include <algorithm>
#include <cmath>

namespace metron::drawing {
namespace {

double luminance(const Color& color) {
  const auto linear = [](double part) {
    return part <= 0.03928 ? part / 12.92 : std::pow((part + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b);
}

}  // namespace

double contrast(const Color& a, const Color& b) {
  const auto [low, high] = std::minmax({luminance(a), luminance(b)});
  return (high + 0.05) / (low + 0.05);
}

const Theme& light_theme() {
  static const Theme theme{
      .background = Color::hex(0xFFFFFF),
      .panel = Color::hex(0xF6F8FA),
      .ink = Color::hex(0x1B1F24),
      .muted = Color::hex(0x57606A),
      .axis = Color::hex(0x8C959F),
      .grid = Color::hex(0xE3E7EB),
      .mark = Color::hex(0xA84300),
      .palette = {Color::hex(0x0072B2), Color::hex(0xD55E00), Color::hex(0x009E73), Color::hex(0xCC79A7),
                  Color::hex(0xE69F00), Color::hex(0x56B4E9), Color::hex(0x6F4E9C), Color::hex(0x444C56)},
      .cold = Color::hex(0xF3F7FB),
      .hot = Color::hex(0xF08A3C),
  };
  return theme;
}

const Theme& dark_theme() {
  static const Theme theme{
      .background = Color::hex(0x14171C),
      .panel = Color::hex(0x1C2128),
      .ink = Color::hex(0xE6EAF0),
      .muted = Color::hex(0x9DA7B3),
      .axis = Color::hex(0x6B7682),
      .grid = Color::hex(0x2B323B),
      .mark = Color::hex(0xF08A4B),
      .palette = {Color::hex(0x56B4E9), Color::hex(0xF08A4B), Color::hex(0x2EC4A0), Color::hex(0xE3A1C6),
                  Color::hex(0xF2BC3B), Color::hex(0x8FB8FF), Color::hex(0xB79CED), Color::hex(0xC3CCD6)},
      .cold = Color::hex(0x222831),
      .hot = Color::hex(0xA34A14),
  };
  return theme;
}

}  // namespace metron::drawing
