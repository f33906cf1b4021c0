// Sum of an array, step by step: three kernels, each adding one optimization. Only a test calls them. The
// provider's kernels are reduce_row_kernel in ../reduce.cu, one warp per row, and the folds of ../fold.cuh.
// The folds add vectorized loads, any axes and strides, any operator, and an order that depends on the shape
// alone.
//
// y = the sum of x: x (N) and y () float32, contiguous. The minimum traffic is x once, 4 N bytes; the kernels
// differ in what a thread does besides its load.
#pragma once

#include <metron/core/tensor.h>

namespace metron::cuda::lab {

void reduce_atomic(const Tensor& x, Tensor& y);
void reduce_shared(const Tensor& x, Tensor& y);
void reduce_shuffle(const Tensor& x, Tensor& y);

}  // namespace metron::cuda::lab
