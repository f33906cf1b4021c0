// Matrix product, step by step: four kernels from the naive one to register tiles, each adding one
// optimization. Only a test calls them. The provider's kernels in ../matmul*.cuh add vectorized loads, double
// buffering, any strides and dtypes, and a choice of tiles.
//
// y = a @ b: a (M, K), b (K, N) and y (M, N), float32, contiguous. The minimum traffic is a, b and y once, 4
// (M K + K N + M N) bytes; each kernel's header states what it moves instead.
#pragma once

#include <metron/core/tensor.h>

namespace metron::cuda::lab {

void matmul_naive(const Tensor& a, const Tensor& b, Tensor& y);
void matmul_coalesced(const Tensor& a, const Tensor& b, Tensor& y);
void matmul_shared(const Tensor& a, const Tensor& b, Tensor& y);
void matmul_registers(const Tensor& a, const Tensor& b, Tensor& y);

}  // namespace metron::cuda::lab
