// 3 x 3 convolutions with stride 1 by F(4 x 4, 3 x 3), in float. A quarter of the products of a direct
// convolution; its largest error is one to two times as large. Results do not depend on the number of
// threads.
#pragma once

#include <metron/kernels/cpu/winograd_tile.h>

namespace metron::METRON_ISA::winograd {

// The 3 x 3 filters as matrices (channels, columns): element (k, j) of tap t is data[k * row + j * column +
// t]. Input gradients use them rotated by 180 degrees.
struct Filters {
  const float* data;
  Index row, column;
  bool rotated;
};

struct Convolution {
  Tiling tiling;
  const float* images;  // (images, in_height, in_width, channels)
  Filters filters;
  const float* bias;  // (columns) or null
  bool relu;
  float* result;  // (images, out_height, out_width, columns)
};
// `channels` and `columns` are multiples of `lanes`.
void convolve(const Convolution& convolution);

// The gradient of the images from that of the outputs. Images are distributed over the threads.
struct InputGradient {
  Tiling tiling;           // of the forward pass
  const float* gradients;  // (images, out_height, out_width, columns)
  Filters filters;         // (columns, channels)
  float* result;           // (images, in_height, in_width, channels)
};
void input_gradient(const InputGradient& gradient);

// The gradients of the filters (columns, channels, 3, 3), and optionally of the bias, from those of the
// outputs.
struct FilterGradient {
  Tiling tiling;
  const float* images;     // (images, in_height, in_width, channels)
  const float* gradients;  // (images, out_height, out_width, columns)
  float* filters;
  float* bias;  // (columns) or null
};
// `channels` is a multiple of `lanes`, `columns` of 2 * `lanes`.
void filter_gradient(const FilterGradient& gradient);
// Whether its sums are short enough to be accurate.
bool is_accurate(const Tiling& tiling);

}  // namespace metron::METRON_ISA::winograd
