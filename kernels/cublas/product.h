// A product of ours as cuBLAS sees it. cuBLAS stores matrices column by column, so our row-major y (M, N) is
// its D (N, M): D = op(B) op(A), with our b as its left and our a as its right operand.
#pragma once

#include <cublas_v2.h>
#include <metron/core/tensor.h>

#include <optional>

namespace metron::cublas {

// One operand: a leading dimension, and whether it is read transposed.
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

// Nothing if cuBLAS can't say it: a size of 0 or beyond int, an operand without a unit stride in either axis,
// a y that is not row-major, a dtype that it has not.
std::optional<Product> describe_product(const Tensor& a, const Tensor& b, const Tensor& y);

// 1 and 0 in the type that the scaling factors of such a product have.
const void* one(const Product& product);
const void* zero(const Product& product);

}  // namespace metron::cublas
