#include <metron/core/error.h>
#include <metron/tools/drawing/png.h>
#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

// stb frees the result by free(). Its own compressor takes most of a report's time.
unsigned char* zlib_compress(unsigned char* data, int size, int* compressed_size, int level) {
  uLongf capacity = compressBound(static_cast<uLong>(size));
  auto* compressed = static_cast<unsigned char*>(std::malloc(capacity));
  if (compressed == nullptr) return nullptr;
  if (compress2(compressed, &capacity, data, static_cast<uLong>(size), level) != Z_OK) {
    std::free(compressed);
    return nullptr;
  }
  *compressed_size = static_cast<int>(capacity);
  return compressed;
}

}  // namespace

#define STBIW_ZLIB_COMPRESS zlib_compress
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>

namespace metron::drawing {

std::string encode_png(const unsigned char* argb, int width, int height, int stride) {
  std::vector<unsigned char> rgba(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 4);
  unsigned char* out = rgba.data();
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::uint32_t word;  // native byte order, alpha in the most significant byte
      std::memcpy(&word, argb + std::ptrdiff_t{y} * stride + std::ptrdiff_t{x} * 4, sizeof word);
      const std::uint32_t alpha = word >> 24;
      for (int shift = 16; shift >= 0; shift -= 8) {
        const std::uint32_t value = word >> shift & 255;  // multiplied by alpha
        *out++ = static_cast<unsigned char>(alpha == 255 ? value
                                            : alpha == 0 ? 0
                                                         : (value * 255 + alpha / 2) / alpha);
      }
      *out++ = static_cast<unsigned char>(alpha);
    }
  }
  std::string png;
  const auto append = [](void* context, void* data, int size) {
    static_cast<std::string*>(context)->append(static_cast<const char*>(data),
                                               static_cast<std::size_t>(size));
  };
  stbi_write_force_png_filter = 0;  // flat areas: filters only cost time
  const int written = stbi_write_png_to_func(append, &png, width, height, 4, rgba.data(), width * 4);
  check<Error>(written != 0, "drawing", "the PNG of ", width, " by ", height, " pixels can't be encoded");
  return png;
}

}  // namespace metron::drawing
