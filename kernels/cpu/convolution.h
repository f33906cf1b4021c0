// The two products that convolutions are made of, whichever of the three passes asks for them. Channels-last.
#pragma once

#include <metron/kernels/cpu/im2col.h>

namespace metron::METRON_ISA {

// A kernel's weights as matrices, one a group: element (k, j) of tap (y, x), where k is the channel that is
// read and j the one that is computed.
template <typename T>
struct Weights {
  const T* data;
  Index kernel_width;
  Index group, row, column;  // strides of the groups, of k and of j; a tap's elements are dense

  // Element (0, 0) of the group for tap (y, x) of the gather.
  const T* tap(const Gather<T>& gather, Index g, Index y, Index x) const {
    return data + g * group + (gather.h.kernel + y * gather.h.kernel_step) * kernel_width + gather.w.kernel +
           x * gather.w.kernel_step;
  }
};

// Where results go: strides over the pixels computed, which need not be neighbours in memory.
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
  Index columns;  // results a pixel and group
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

// The gradient of the weights: for each group, gathered transposed times g. A row of ones is put above the
// gathered rows, so that the first row of the product is the gradient of the bias: (groups, 1 + taps *
// channels, columns).
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

// The gradient of the pixels [first, last) into `result`.
struct PixelRange {
  Index first, last;
};
template <typename T>
void depthwise_gradient(const WeightGradient<T>& gradient, PixelRange pixels, Index first_group,
                        Index last_group, T* scratch, T* result);

}  // namespace metron::METRON_ISA
