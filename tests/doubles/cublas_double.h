// What the doubles of cuBLAS and cuBLASLt share: matrices stored column by column, and their product.
#pragma once

#include <cublas_v2.h>

#include <cstdint>
#include <vector>

#include "double.h"
#include "numbers.h"

namespace metron::doubles {

cublasStatus_t status_of(Refusal refusal);

// As it is stored: rows by columns, column j leading_dimension elements after column j - 1.
struct Matrix {
  const char* name = "";
  const void* data = nullptr;
  cudaDataType type = CUDA_R_32F;
  std::int64_t rows = 0, columns = 0, leading_dimension = 0, batch_stride = 0, batch = 1;
  bool transposed = false;  // how the call reads it
};

// d = relu(alpha op(a) op(b) + beta c + bias), the bias one number for each row of d.
struct Multiplication {
  Matrix a, b, c, d;
  double alpha = 1, beta = 0;
  const void* bias = nullptr;
  bool relu = false;
};

bool is_supported(cublasComputeType_t compute, cudaDataType scale, cudaDataType operands);
std::size_t size_of(cudaDataType type);
std::vector<LibraryOperand> operands_of(const Matrix& matrix, bool read, bool written);
void require_sound(const Matrix& matrix);
void require_distinct_batches(const Matrix& matrix);
void multiply(const Multiplication& call);
// Checks that the result is apart from the operands, and enqueues the product.
void submit(const char* name, cudaStream_t stream, const Multiplication& call, LibraryOperand bias);

}  // namespace metron::doubles
