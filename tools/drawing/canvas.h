// A picture, drawn once and written as PNG or SVG. Cairo draws, stb_image_write and zlib encode.
#pragma once

#include <metron/tools/drawing/geometry.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct _cairo;

namespace metron::drawing {

struct Stroke {
  Color color;
  double width = 1;
  std::vector<double> dash = {};  // lengths of strokes and gaps
};

struct TextStyle {
  double size = 12;
  Color color;
  bool bold = false;
};

// Which part of a text is at its point.
enum class Align : std::uint8_t { left, center, right };
enum class Baseline : std::uint8_t { top, middle, alphabetic };

struct TextExtent {
  double width = 0;
  double ascent = 0;   // above the baseline
  double descent = 0;  // below the baseline
  double height() const { return ascent + descent; }
};

// A drawn text and its bounding box.
struct TextBox {
  std::string text;
  Rect box;
};

// Whether a font with Chinese characters is installed.
bool has_chinese_font();

class Canvas {
 public:
  // ValueError unless both sizes are positive and at most 16384 units.
  Canvas(double width, double height, Color background);

  double width() const { return width_; }
  double height() const { return height_; }
  Rect area() const { return {0, 0, width_, height_}; }

  void line(Point from, Point to, const Stroke& stroke);
  void polyline(std::span<const Point> points, const Stroke& stroke);
  void polygon(std::span<const Point> points, Color fill, const Stroke& outline = {});
  // Cubic: a start, then two control points and an end per segment.
  void bezier(std::span<const Point> points, const Stroke& stroke);
  void rectangle(const Rect& rect, Color fill, const Stroke& outline = {}, double radius = 0);
  void ellipse(const Rect& around, Color fill, const Stroke& outline = {});

  // UTF-8, rotated clockwise about `at` by `angle` degrees.
  void text(std::string_view text, Point at, const TextStyle& style, Align align = Align::left,
            Baseline baseline = Baseline::alphabetic, double angle = 0);
  static TextExtent measure(std::string_view text, const TextStyle& style);
  // The text, or a prefix of it and "…", no wider than `width`.
  static std::string fitted(std::string_view text, const TextStyle& style, double width);

  // Clips to `rect` during its lifetime.
  class Clip {
   public:
    Clip(Canvas& canvas, const Rect& rect);
    ~Clip();
    Clip(const Clip&) = delete;
    Clip& operator=(const Clip&) = delete;

   private:
    Canvas& canvas_;
  };

  const std::vector<TextBox>& texts() const { return texts_; }

  // Contents of the files. A PNG has `scale` pixels per unit.
  std::string png(double scale = 2) const;
  std::string svg() const;

 private:
  using Command = std::function<void(_cairo*)>;
  void replay(_cairo* context) const;

  double width_, height_;
  Color background_;
  std::vector<Command> commands_;
  std::vector<TextBox> texts_;
};

}  // namespace metron::drawing
