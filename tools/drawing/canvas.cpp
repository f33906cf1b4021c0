#include <cairo-svg.h>
#include <metron/core/error.h>
#include <metron/tools/drawing/fonts.h>
#include <metron/tools/drawing/png.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

namespace metron::drawing {
namespace {

struct DestroySurface {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
using Surface = std::unique_ptr<cairo_surface_t, DestroySurface>;

struct DestroyContext {
  void operator()(cairo_t* context) const { cairo_destroy(context); }
};
using Context = std::unique_ptr<cairo_t, DestroyContext>;

void check_cairo(cairo_status_t status) {
  check<Error>(status == CAIRO_STATUS_SUCCESS, "drawing", "Cairo says: ", cairo_status_to_string(status));
}

// Unhinted outlines: text has the same width at every scale.
Context make_context(cairo_surface_t* surface) {
  Context context(cairo_create(surface));
  const std::unique_ptr<cairo_font_options_t, void (*)(cairo_font_options_t*)> options(
      cairo_font_options_create(), cairo_font_options_destroy);
  cairo_font_options_set_hint_style(options.get(), CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options.get(), CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_antialias(options.get(), CAIRO_ANTIALIAS_GRAY);
  cairo_set_font_options(context.get(), options.get());
  return context;
}

cairo_t* measuring_context() {
  static const Surface surface(cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1));
  static const Context context = make_context(surface.get());
  return context.get();
}

void set_color(cairo_t* context, const Color& color) {
  cairo_set_source_rgba(context, color.r, color.g, color.b, color.a);
}

// Fills and strokes the current path.
void paint_path(cairo_t* context, const Color& fill, const Stroke& stroke) {
  if (fill.a > 0) {
    set_color(context, fill);
    cairo_fill_preserve(context);
  }
  if (stroke.color.a > 0 && stroke.width > 0) {
    set_color(context, stroke.color);
    cairo_set_line_width(context, stroke.width);
    cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(context, stroke.dash.empty() ? CAIRO_LINE_CAP_ROUND : CAIRO_LINE_CAP_BUTT);
    cairo_set_dash(context, stroke.dash.data(), static_cast<int>(stroke.dash.size()), 0);
    cairo_stroke_preserve(context);
  }
  cairo_new_path(context);
}

void trace_points(cairo_t* context, const std::vector<Point>& points) {
  for (const Point& p : points) cairo_line_to(context, p.x, p.y);
}

cairo_status_t append(void* closure, const unsigned char* data, unsigned int length) {
  static_cast<std::string*>(closure)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

// The bounding box of `box`, rotated by `angle` degrees about the origin and moved to `at`.
Rect turned(const Rect& box, double angle, Point at) {
  const double c = std::cos(angle * std::numbers::pi / 180), s = std::sin(angle * std::numbers::pi / 180);
  double left = 1e300, top = 1e300, right = -1e300, bottom = -1e300;
  for (const Point p : {Point{box.x, box.y}, Point{box.right(), box.y}, Point{box.x, box.bottom()},
                        Point{box.right(), box.bottom()}}) {
    const double x = c * p.x - s * p.y, y = s * p.x + c * p.y;
    left = std::min(left, x), right = std::max(right, x);
    top = std::min(top, y), bottom = std::max(bottom, y);
  }
  return {at.x + left, at.y + top, right - left, bottom - top};
}

}  // namespace

Canvas::Canvas(double width, double height, Color background)
    : width_(width), height_(height), background_(background) {
  constexpr double largest = 16384;
  check<ValueError>(width > 0 && height > 0 && width <= largest && height <= largest, "drawing",
                    "a picture is between 0 and ", largest, " units wide and high, got ", width, " by ",
                    height);
}

void Canvas::line(Point from, Point to, const Stroke& stroke) {
  const std::array<Point, 2> points{from, to};
  polyline(points, stroke);
}

void Canvas::polyline(std::span<const Point> points, const Stroke& stroke) {
  if (points.empty()) return;
  commands_.push_back([points = std::vector(points.begin(), points.end()), stroke](cairo_t* context) {
    trace_points(context, points);
    paint_path(context, {}, stroke);
  });
}

void Canvas::polygon(std::span<const Point> points, Color fill, const Stroke& outline) {
  if (points.empty()) return;
  commands_.push_back([points = std::vector(points.begin(), points.end()), fill, outline](cairo_t* context) {
    trace_points(context, points);
    cairo_close_path(context);
    paint_path(context, fill, outline);
  });
}

void Canvas::bezier(std::span<const Point> points, const Stroke& stroke) {
  check<ValueError>(points.size() % 3 == 1, "drawing", "a bezier curve has 1 + 3n points, got ",
                    points.size());
  commands_.push_back([points = std::vector(points.begin(), points.end()), stroke](cairo_t* context) {
    cairo_move_to(context, points[0].x, points[0].y);
    for (std::size_t i = 1; i < points.size(); i += 3)
      cairo_curve_to(context, points[i].x, points[i].y, points[i + 1].x, points[i + 1].y, points[i + 2].x,
                     points[i + 2].y);
    paint_path(context, {}, stroke);
  });
}

void Canvas::rectangle(const Rect& rect, Color fill, const Stroke& outline, double radius) {
  const double r = std::min({radius, rect.width / 2, rect.height / 2});
  commands_.push_back([=](cairo_t* context) {
    if (r <= 0) {
      cairo_rectangle(context, rect.x, rect.y, rect.width, rect.height);
    } else {
      constexpr double right_angle = std::numbers::pi / 2;
      cairo_new_sub_path(context);
      cairo_arc(context, rect.right() - r, rect.y + r, r, -right_angle, 0);
      cairo_arc(context, rect.right() - r, rect.bottom() - r, r, 0, right_angle);
      cairo_arc(context, rect.x + r, rect.bottom() - r, r, right_angle, 2 * right_angle);
      cairo_arc(context, rect.x + r, rect.y + r, r, 2 * right_angle, 3 * right_angle);
      cairo_close_path(context);
    }
    paint_path(context, fill, outline);
  });
}

void Canvas::ellipse(const Rect& around, Color fill, const Stroke& outline) {
  commands_.push_back([=](cairo_t* context) {
    const Point center = around.center();
    cairo_save(context);
    cairo_translate(context, center.x, center.y);
    cairo_scale(context, std::max(around.width, 1e-9) / 2, std::max(around.height, 1e-9) / 2);
    cairo_arc(context, 0, 0, 1, 0, 2 * std::numbers::pi);
    cairo_restore(context);  // before stroking, so that the line width is not scaled
    paint_path(context, fill, outline);
  });
}

TextExtent Canvas::measure(std::string_view text, const TextStyle& style) {
  cairo_t* context = measuring_context();
  TextExtent extent;
  cairo_font_extents_t font;
  select_font(context, style, false);
  cairo_font_extents(context, &font);
  extent.ascent = font.ascent;
  extent.descent = font.descent;
  for (const TextRun& run : split_runs(text)) {
    select_font(context, style, run.chinese);
    cairo_text_extents_t extents;
    cairo_text_extents(context, run.text.c_str(), &extents);
    extent.width += extents.x_advance;
    if (!run.chinese) continue;
    cairo_font_extents(context, &font);
    extent.ascent = std::max(extent.ascent, font.ascent);
    extent.descent = std::max(extent.descent, font.descent);
  }
  check_cairo(cairo_status(context));
  return extent;
}

std::string Canvas::fitted(std::string_view text, const TextStyle& style, double width) {
  if (measure(text, style).width <= width) return std::string(text);
  std::string shorter(text);
  while (!shorter.empty() && measure(shorter + "…", style).width > width) {
    while (!shorter.empty() && (static_cast<unsigned char>(shorter.back()) & 0xC0) == 0x80)
      shorter.pop_back();  // UTF-8 continuation bytes
    if (!shorter.empty()) shorter.pop_back();
  }
  return shorter + "…";
}

void Canvas::text(std::string_view text, Point at, const TextStyle& style, Align align, Baseline baseline,
                  double angle) {
  if (text.empty()) return;
  const TextExtent extent = measure(text, style);
  const double dx = align == Align::left ? 0 : align == Align::center ? -extent.width / 2 : -extent.width;
  const double dy = baseline == Baseline::alphabetic ? 0
                    : baseline == Baseline::top      ? extent.ascent
                                                     : (extent.ascent - extent.descent) / 2;
  texts_.push_back(
      {std::string(text), turned({dx, dy - extent.ascent, extent.width, extent.height()}, angle, at)});
  commands_.push_back([=, runs = split_runs(text)](cairo_t* context) {
    cairo_save(context);
    cairo_translate(context, at.x, at.y);
    cairo_rotate(context, angle * std::numbers::pi / 180);
    cairo_move_to(context, dx, dy);
    set_color(context, style.color);
    for (const TextRun& run : runs) {
      select_font(context, style, run.chinese);
      cairo_show_text(context, run.text.c_str());
    }
    cairo_restore(context);
    cairo_new_path(context);
  });
}

Canvas::Clip::Clip(Canvas& canvas, const Rect& rect) : canvas_(canvas) {
  canvas_.commands_.push_back([rect](cairo_t* context) {
    cairo_save(context);
    cairo_rectangle(context, rect.x, rect.y, rect.width, rect.height);
    cairo_clip(context);
  });
}

Canvas::Clip::~Clip() { canvas_.commands_.push_back(cairo_restore); }

void Canvas::replay(cairo_t* context) const {
  set_color(context, background_);
  cairo_paint(context);
  for (const Command& command : commands_) command(context);
  check_cairo(cairo_status(context));
}

std::string Canvas::png(double scale) const {
  const int columns = static_cast<int>(std::ceil(width_ * scale));
  const int rows = static_cast<int>(std::ceil(height_ * scale));
  const Surface surface(cairo_image_surface_create(CAIRO_FORMAT_ARGB32, columns, rows));
  check_cairo(cairo_surface_status(surface.get()));
  {
    const Context context = make_context(surface.get());
    cairo_scale(context.get(), scale, scale);
    replay(context.get());
  }
  cairo_surface_flush(surface.get());
  return encode_png(cairo_image_surface_get_data(surface.get()), columns, rows,
                    cairo_image_surface_get_stride(surface.get()));
}

std::string Canvas::svg() const {
  std::string text;
  const Surface surface(cairo_svg_surface_create_for_stream(append, &text, width_, height_));
  check_cairo(cairo_surface_status(surface.get()));
  replay(make_context(surface.get()).get());
  cairo_surface_finish(surface.get());
  check_cairo(cairo_surface_status(surface.get()));
  return text;
}

}  // namespace metron::drawing
