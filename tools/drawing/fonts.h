// Font selection and text runs. Private to the drawing library.
#pragma once

#include <cairo.h>
#include <metron/tools/drawing/canvas.h>

namespace metron::drawing {

// A run of text in one font face.
struct TextRun {
  std::string text;  // valid UTF-8
  bool chinese = false;
};
std::vector<TextRun> split_runs(std::string_view text);

// Selects face and size for the next text.
void select_font(cairo_t* context, const TextStyle& style, bool chinese);

}  // namespace metron::drawing
