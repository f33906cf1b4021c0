// The sum of an array as a laboratory: three kernels, each with one idea more than the one before. Nothing
// but a test calls them; the provider's is in ../fold.cuh, which adds sixteen-byte loads, any axes and
// strides, any operator, and an order that depends on the shape alone.
//
// y = the sum of x: x (N) and y () float32, contiguous. x must move once, which is 4 N bytes; what a thread
// does beside its load is what tells the kernels apart.
#pragma once

#include <metron/core/tensor.h>

namespace metron::cuda::lab {

void reduce_atomic(const Tensor& x, Tensor& y);
void reduce_shared(const Tensor& x, Tensor& y);
void reduce_shuffle(const Tensor& x, Tensor& y);

}  // namespace metron::cuda::lab
