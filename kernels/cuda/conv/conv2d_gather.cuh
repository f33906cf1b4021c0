// Where the kernels of a convolution read its image.
#pragma once

#include <metron/kernels/cuda/conv/convolution.h>

#include <cstdint>

namespace metron::cuda {

// A coordinate that is outside of the image whatever the tap.
inline constexpr int outside_image = -(1 << 30);

// Where the k-th product of a pixel is read, relative to where its first is.
struct Walk {
  int column = 0, line = 0;  // taps
  int x = 0, y = 0;          // the same in elements
  int offset = 0;

  template <typename T>
  __device__ __forceinline__ void advance(const GatheredImage<T>& image) {
    ++column;
    x += image.w.tap_step;
    offset += image.w.tap_step;
    if (column < image.w.taps) return;
    offset += image.h.tap_step * image.w.inputs - x;
    column = x = 0;
    ++line;
    y += image.h.tap_step;
    if (line < image.h.taps) return;
    offset += image.channel_stride - y * image.w.inputs;
    line = y = 0;
  }
};

template <typename T>
__device__ __forceinline__ Walk walk_to(const GatheredImage<T>& image, int channel, int tap) {
  Walk walk;
  walk.line = image.tap_width.quotient(tap);
  walk.column = tap - walk.line * image.tap_width.value();
  walk.x = walk.column * image.w.tap_step;
  walk.y = walk.line * image.h.tap_step;
  walk.offset = channel * image.channel_stride + walk.y * image.w.inputs + walk.x;
  return walk;
}

// The corner of a pixel's window, in its image.
template <typename T>
struct Corner {
  const T* data;
  int x, y, offset;
};

template <typename T>
__device__ __forceinline__ Corner<T> corner_of(const GatheredImage<T>& image, int group, int pixel) {
  const T* const data = image.data + std::int64_t{group} * image.channels * image.channel_stride;
  if (pixel >= image.pixels) return {data, outside_image, outside_image, 0};
  const int n = image.plane.quotient(pixel);
  const int within = pixel - n * image.plane.value();
  const int line = image.width.quotient(within);
  const int y = line * image.h.step + image.h.offset;
  const int x = (within - line * image.width.value()) * image.w.step + image.w.offset;
  return {data + n * image.image_stride, x, y, y * image.w.inputs + x};
}

// The element there, zero if there is none.
template <typename T>
__device__ __forceinline__ T gathered(const GatheredImage<T>& image, const Corner<T>& corner,
                                      const Walk& walk) {
  const int x = corner.x + walk.x, y = corner.y + walk.y;
  const bool inside = x >= 0 && x < image.w.inputs && y >= 0 && y < image.h.inputs;
  return inside ? corner.data[corner.offset + walk.offset] : T{0};
}

// The weights that product k meets, from those of a row.
template <typename T>
__device__ __forceinline__ int weight_offset(const Convolution<T>& conv, int k) {
  const int channel = conv.image.taps.quotient(k);
  const int tap = k - channel * conv.image.taps.value();
  const int line = conv.image.tap_width.quotient(tap);
  return channel * conv.weight_channel + line * conv.weight_line +
         (tap - line * conv.image.tap_width.value()) * conv.weight_tap;
}

template <typename T>
__device__ __forceinline__ std::int64_t place_of(const Convolution<T>& conv, int pixel) {
  const int n = conv.image.plane.quotient(pixel);
  const int within = pixel - n * conv.image.plane.value();
  const int line = conv.image.width.quotient(within);
  return n * conv.result_image + line * conv.result_line +
         (within - line * conv.image.width.value()) * conv.result_pixel;
}

template <typename T>
__device__ __forceinline__ T epilogue(const Convolution<T>& conv, T bias, T sum) {
  const T value = sum + bias;
  return conv.relu && value < 0 ? T{0} : value;
}

}  // namespace metron::cuda
