// The two matrix products behind the forward and backward passes of a convolution. Channels-last.
#pragma once

#include <metron/kernels/cpu/im2col.h>

namespace metron::METRON_ISA {

// The weights as one matrix per group and tap (y, x): element (k, j), where k is the channel read and j the
// channel computed.
template <typename T>
struct Weights {
  const T* data;
  Index kernel_width;
  Index group, row, column;  // strides of the groups, k and j; taps are dense

  // Element (0, 0) of the group for tap (y, x) of the gather.
  const T* tap(const Gather<T>& gather, Index g, Index y, Index x) const {
    return data + g * group + (gather.h.kernel + y * gather.h.kernel_step) * kernel_width + gather.w.kernel +
           x * gather.w.kernel_step;
  }
};

// The result's strides over the computed pixels, which need not be adjacent in memory.
template <typename T>
struct Grid {
  T* data;
  Index image, line, pixel;
};

// result[pixel, group * columns + j] = bias + sum over taps and k of gathered[pixel, group * channels + k] *
// weight.
template <typename T>
struct Convolution {
  Gather<T> gather;  // of group 0
  Index images, groups;
  Index columns;  // results per pixel and group
  Weights<T> weights;
  const T* bias;  // (groups * columns) or null
  bool relu;
  Grid<T> result;

  Index pixels() const { return images * gather.image_outputs(); }
  bool is_depthwise() const { return groups > 1 && gather.channels == 1 && columns == 1; }
};

template <typename T>
void convolve(const Convolution<T>& convolution);
template <typename T>
void convolve_depthwise(const Convolution<T>& convolution);

// The weight gradient (groups, 1 + taps * channels, columns): for each group, im2col transposed times g. A
// row of ones is prepended, so the first row of the product is the bias gradient.
template <typename T>
struct WeightGradient {
  Gather<T> gather;  // of group 0
  Index pixels, groups;
  const T* g;  // (pixels, groups * columns)
  Index columns;

  Index taps() const { return gather.h.taps * gather.w.taps; }
  Index rows() const { return 1 + taps() * gather.channels; }
  Index group_size() const { return rows() * columns; }
  Index size() const { return groups * group_size(); }
  bool is_depthwise() const { return groups > 1 && gather.channels == 1 && columns == 1; }
};

struct PixelRange {
  Index first, last;
};
// Weight gradient of groups [first_group, last_group) over `pixels`, overwrites `result`.
template <typename T>
void depthwise_gradient(const WeightGradient<T>& gradient, PixelRange pixels, Index first_group,
                        Index last_group, T* scratch, T* result);

}  // namespace metron::METRON_ISA
