// Faces and runs of text. Private to the drawing library.
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

// Selects the face and the size for what is drawn next.
void select_font(cairo_t* context, const TextStyle& style, bool chinese);

}  // namespace metron::drawing
