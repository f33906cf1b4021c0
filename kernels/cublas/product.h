// Row-major products in terms of cuBLAS, which is column-major: our y (M, N) is its D (N, M), and D = op(B)
// op(A), with our b as the left operand and our a as the right one.
#pragma once

#include <cublas_v2.h>
#include <metron/core/tensor.h>

#include <optional>

namespace metron::cublas {

// An operand: its leading dimension, and whether it is transposed.
struct Operand {
  cublasOperation_t transposed = CUBLAS_OP_N;
  int leading_dimension = 1;
  long long batch_stride = 0;
};

struct Product {
  int m = 0, n = 0, k = 0;  // of D = left right: D (m, n), left (m, k), right (k, n)
  int batch = 1;
  Operand left, right, result;
  cudaDataType type = CUDA_R_32F;
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
};

// Empty if cuBLAS does not support it: a size of 0 or beyond int, an operand without a unit stride, a y that
// is not row-major, an unsupported dtype.
std::optional<Product> describe_product(const Tensor& a, const Tensor& b, const Tensor& y);

// 1 and 0 in the type of the product's scaling factors.
const void* one(const Product& product);
const void* zero(const Product& product);

}  // namespace metron::cublas
