// Shared by the fakes of cuBLAS and cuBLASLt: column-major matrices, and their product.
#pragma once

#include <cublas_v2.h>
#include <metron/kernels/fakes/fake.h>
#include <metron/kernels/fakes/numbers.h>

#include <cstdint>
#include <vector>

namespace metron::fakes {

cublasStatus_t cublas_status_of(Refusal refusal);
template <typename Body>
cublasStatus_t cublas_answered(const char* function, const Body& body) {
  return answer(function, body, CUBLAS_STATUS_INVALID_VALUE, cublas_status_of);
}
template <typename Handle, typename Object>
cublasStatus_t cublas_created(const char* function, Objects<Handle, Object>& registry, Handle* handle,
                              Object object) {
  return created(function, registry, handle, std::move(object), CUBLAS_STATUS_INVALID_VALUE,
                 cublas_status_of);
}

// Sizes as stored: rows by columns, column-major with a leading dimension.
struct Matrix {
  const char* name = "";
  const void* data = nullptr;
  cudaDataType type = CUDA_R_32F;
  std::int64_t rows = 0, columns = 0, leading_dimension = 0, batch_stride = 0, batch = 1;
  bool transposed = false;  // op() transposes it
};

// d = alpha op(a) op(b) + beta c + bias, with one bias per row of d. b_sums receives the column sums of
// op(b).
struct Multiplication {
  Matrix a, b, c, d;
  double alpha = 1, beta = 0;
  const void* bias = nullptr;
  void* b_sums = nullptr;
};

bool is_supported(cublasComputeType_t compute, cudaDataType scale, cudaDataType operands);
std::size_t size_of(cudaDataType type);
std::vector<LibraryOperand> operands_of(const Matrix& matrix, bool read, bool written);
void require_sound(const Matrix& matrix);
void require_distinct_batches(const Matrix& matrix);
// Checks that outputs do not alias inputs, and enqueues the product.
void submit(const char* name, cudaStream_t stream, const Multiplication& call);

}  // namespace metron::fakes
