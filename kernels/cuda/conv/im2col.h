// The materialized im2col matrix of a convolution.
#pragma once

#include <metron/core/tensor.h>
#include <metron/kernels/internal/gather_axis.h>

#include <cstdint>

namespace metron::cuda {

// One group of a few images, contiguous: element (n, channel, y, x) is at data[n * image_stride + (channel *
// H + y) * W + x].
template <typename T>
struct ColumnImage {
  WindowAxis h, w;
  std::int64_t images, channels, image_stride;
  T* data;

  std::int64_t plane() const { return h.output * w.output; }
  std::int64_t depth() const { return channels * h.kernel * w.kernel; }
};

// columns (C * KH * KW, N * OH * OW), row-major. All indices are 64-bit.
template <typename T>
void im2col(Device device, const ColumnImage<const T>& image, T* columns);
// The gradient of im2col: sums all copies of each image element.
template <typename T>
void col2im(Device device, const T* columns, const ColumnImage<T>& image);

}  // namespace metron::cuda
