// The column matrix of a convolution in memory.
#pragma once

#include <metron/core/tensor.h>
#include <metron/kernels/internal/gather_axis.h>

#include <cstdint>

namespace metron::cuda {

// One group of some images, contiguous: element (n, channel, y, x) at data[n * image_stride + (channel * H +
// y) * W
// + x].
template <typename T>
struct ColumnImage {
  WindowAxis h, w;
  std::int64_t images, channels, image_stride;
  T* data;

  std::int64_t plane() const { return h.output * w.output; }
  std::int64_t depth() const { return channels * h.kernel * w.kernel; }
};

// columns (C * KH * KW, N * OH * OW), row-major. All indices have 64 bits.
template <typename T>
void im2col(Device device, const ColumnImage<const T>& image, T* columns);
// The sum of what each element of the image was copied to: im2col's gradient.
template <typename T>
void col2im(Device device, const T* columns, const ColumnImage<T>& image);

}  // namespace metron::cuda
