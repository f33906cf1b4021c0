// Softmax of rows as a laboratory: three kernels, each with one idea more than the one before. Nothing but a
// test calls them; the provider's is in ../softmax.cu, which adds sixteen-byte loads, any axis and strides,
// the logarithm, and rows that are shorter than a warp or so long that a block shares one.
//
// y[r, c] = exp(x[r, c]) / sum over the row: x and y (rows, columns) float32, contiguous. The largest of a
// row is taken off before exp, which changes nothing but keeps it finite: so a row must be seen three times,
// for its largest, its sum, and the results. x and y must move once, which is 8 bytes an element.
#pragma once

#include <metron/core/tensor.h>

namespace metron::cuda::lab {

void softmax_naive(const Tensor& x, Tensor& y);
void softmax_warp(const Tensor& x, Tensor& y);
void softmax_online(const Tensor& x, Tensor& y);

}  // namespace metron::cuda::lab
