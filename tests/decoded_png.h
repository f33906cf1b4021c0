// Decodes a PNG with libpng, independently of the encoder under test.
#pragma once

#include <gtest/gtest.h>
#include <png.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

namespace metron {

struct Pixel {
  int r = 0, g = 0, b = 0, a = 0;
  bool is_near(const Pixel& other, int tolerance = 40) const {
    return std::abs(r - other.r) <= tolerance && std::abs(g - other.g) <= tolerance &&
           std::abs(b - other.b) <= tolerance;
  }
};

struct DecodedPng {
  int width = 0, height = 0;
  std::vector<unsigned char> rgba;

  explicit DecodedPng(const std::string& file) {
    png_image image = {};
    image.version = PNG_IMAGE_VERSION;
    EXPECT_NE(png_image_begin_read_from_memory(&image, file.data(), file.size()), 0) << image.message;
    image.format = PNG_FORMAT_RGBA;
    rgba.resize(PNG_IMAGE_SIZE(image));
    EXPECT_NE(png_image_finish_read(&image, nullptr, rgba.data(), 0, nullptr), 0) << image.message;
    width = static_cast<int>(image.width);
    height = static_cast<int>(image.height);
  }

  Pixel at(int x, int y) const {
    const std::size_t i =
        (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) * 4;
    return {rgba[i], rgba[i + 1], rgba[i + 2], rgba[i + 3]};
  }
};

}  // namespace metron
