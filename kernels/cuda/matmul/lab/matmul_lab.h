// The matrix product as a laboratory: four kernels from the naive one to register tiles, each with one idea
// more than the one before. Nothing but a test calls them; the provider's are in ../matmul*.cuh, which add
// sixteen-byte loads, double buffers, any strides and dtypes, and a choice of tiles.
//
// y = a @ b: a (M, K), b (K, N) and y (M, N), float32, contiguous. a, b and y must move once, which is
// 4 (M K + K N + M N) bytes; each kernel's head counts what it moves instead.
#pragma once

#include <metron/core/tensor.h>

namespace metron::cuda::lab {

void matmul_naive(const Tensor& a, const Tensor& b, Tensor& y);
void matmul_coalesced(const Tensor& a, const Tensor& b, Tensor& y);
void matmul_shared(const Tensor& a, const Tensor& b, Tensor& y);
void matmul_registers(const Tensor& a, const Tensor& b, Tensor& y);

}  // namespace metron::cuda::lab
