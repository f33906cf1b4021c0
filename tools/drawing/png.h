// PNG encoding. Private to the drawing library.
#pragma once

#include <string>

namespace metron::drawing {

// From Cairo's premultiplied ARGB words, `stride` bytes per row.
std::string encode_png(const unsigned char* argb, int width, int height, int stride);

}  // namespace metron::drawing
