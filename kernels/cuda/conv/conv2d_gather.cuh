// Gathering of image elements, shared by the convolution kernels.
#pragma once

#include <metron/kernels/cuda/conv/convolution.h>

#include <cstdint>

namespace metron::cuda {

// A coordinate outside the image for every tap.
inline constexpr int outside_image = -(1 << 30);

// Iterates over the taps of a pixel in the order of k, as offsets from the window origin.
struct TapIterator {
  int column = 0, line = 0;  // in taps
  int x = 0, y = 0;          // in elements
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
__device__ __forceinline__ TapIterator tap_iterator_at(const GatheredImage<T>& image, int channel, int tap) {
  TapIterator iterator;
  iterator.line = image.tap_width.quotient(tap);
  iterator.column = tap - iterator.line * image.tap_width.value();
  iterator.x = iterator.column * image.w.tap_step;
  iterator.y = iterator.line * image.h.tap_step;
  iterator.offset = channel * image.channel_stride + iterator.y * image.w.inputs + iterator.x;
  return iterator;
}

// The image coordinates of the first tap of a pixel's window.
template <typename T>
struct WindowOrigin {
  const T* data;
  int x, y, offset;
};

template <typename T>
__device__ __forceinline__ WindowOrigin<T> window_origin(const GatheredImage<T>& image, int group,
                                                         int pixel) {
  const T* const data = image.data + std::int64_t{group} * image.channels * image.channel_stride;
  if (pixel >= image.pixels) return {data, outside_image, outside_image, 0};
  const int n = image.plane.quotient(pixel);
  const int within = pixel - n * image.plane.value();
  const int line = image.width.quotient(within);
  const int y = line * image.h.step + image.h.offset;
  const int x = (within - line * image.width.value()) * image.w.step + image.w.offset;
  return {data + n * image.image_stride, x, y, y * image.w.inputs + x};
}

// The image element at a tap, or zero outside the image.
template <typename T>
__device__ __forceinline__ T load_tap(const GatheredImage<T>& image, const WindowOrigin<T>& origin,
                                      const TapIterator& iterator) {
  const int x = origin.x + iterator.x, y = origin.y + iterator.y;
  const bool inside = x >= 0 && x < image.w.inputs && y >= 0 && y < image.h.inputs;
  return inside ? origin.data[origin.offset + iterator.offset] : T{0};
}

// The offset within a row of the weights of product k.
template <typename T>
__device__ __forceinline__ int weight_offset(const Convolution<T>& conv, int k) {
  const int channel = conv.image.taps.quotient(k);
  const int tap = k - channel * conv.image.taps.value();
  const int line = conv.image.tap_width.quotient(tap);
  return channel * conv.weight_channel + line * conv.weight_line +
         (tap - line * conv.image.tap_width.value()) * conv.weight_tap;
}

template <typename T>
__device__ __forceinline__ std::int64_t result_offset(const Convolution<T>& conv, int pixel) {
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
