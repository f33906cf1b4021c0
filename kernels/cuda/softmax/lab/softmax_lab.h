// Softmax over rows, step by step: three kernels, each adding one optimization. Only a test calls them. The
// next step is softmax_row_kernel in ../softmax.cu, which keeps the row in registers and reads it once. The
// general kernel there adds vectorized loads, any axis and strides, log-softmax, and mappings for rows
// shorter than a warp or long enough for a block.
//
// y[r, c] = exp(x[r, c]) / sum over the row; x and y (rows, columns) float32, contiguous. Subtracting the
// row's maximum before exp keeps it finite without changing the result. That takes three passes: maximum,
// sum, result. The minimum traffic is x and y once, 8 bytes per element.
#pragma once

#include <metron/core/tensor.h>

namespace metron::cuda::lab {

void softmax_naive(const Tensor& x, Tensor& y);
void softmax_warp(const Tensor& x, Tensor& y);
void softmax_online(const Tensor& x, Tensor& y);

}  // namespace metron::cuda::lab
