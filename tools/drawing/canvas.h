// A picture: drawn once, then written as PNG and as SVG. Cairo draws, stb_image_write encodes.
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

enum class Align : std::uint8_t { left, center, right };         // the point is at the text's left, ...
enum class Baseline : std::uint8_t { top, middle, alphabetic };  // ... and at its top, middle or baseline

struct TextExtent {
  double width = 0;
  double ascent = 0;   // above the baseline
  double descent = 0;  // below it
  double height() const { return ascent + descent; }
};

// A text that was drawn, and the upright rectangle that it fills.
struct TextBox {
  std::string text;
  Rect box;
};

// Whether a font with Chinese characters is installed.
bool has_chinese_font();

class Canvas {
 public:
  // ValueError unless both sizes are positive and of at most 16384 units.
  Canvas(double width, double height, Color background);

  double width() const { return width_; }
  double height() const { return height_; }
  Rect area() const { return {0, 0, width_, height_}; }

  void line(Point from, Point to, const Stroke& stroke);
  void polyline(std::span<const Point> points, const Stroke& stroke);
  void polygon(std::span<const Point> points, Color fill, const Stroke& outline = {});
  // Cubic: a start, then two control points and an end for each segment.
  void bezier(std::span<const Point> points, const Stroke& stroke);
  void rectangle(const Rect& rect, Color fill, const Stroke& outline = {}, double radius = 0);
  void ellipse(const Rect& around, Color fill, const Stroke& outline = {});

  // UTF-8; `angle` turns it clockwise around `at`, in degrees.
  void text(std::string_view text, Point at, const TextStyle& style, Align align = Align::left,
            Baseline baseline = Baseline::alphabetic, double angle = 0);
  static TextExtent measure(std::string_view text, const TextStyle& style);
  // The text itself, or its beginning and "…", so that it is no wider than `width`.
  static std::string fitted(std::string_view text, const TextStyle& style, double width);

  // What is drawn while it lives appears inside of `rect` alone.
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

  // The files' bytes. A PNG has `scale` pixels a unit.
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
