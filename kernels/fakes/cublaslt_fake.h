// The objects behind the handles of the cuBLASLt fake.
#pragma once

#include <cublasLt.h>
#include <metron/kernels/fakes/cublas_fake.h>

#include <array>

namespace metron::fakes {

struct LtHandle {
  int device = 0;
};
struct Description {
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  cudaDataType scale = CUDA_R_32F;
  std::int32_t transa = CUBLAS_OP_N, transb = CUBLAS_OP_N;
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* vector = nullptr;  // bias, or its gradient
};
struct Layout {
  cudaDataType type = CUDA_R_32F;
  std::uint64_t rows = 0, columns = 0;
  std::int64_t leading_dimension = 0;
  std::int32_t batch = 1;
  std::int64_t batch_stride = 0;
};
struct Preference {
  std::uint64_t workspace = 0;
  std::uint32_t reductions = 7;                                 // all
  std::array<std::uint32_t, 4> alignments{256, 256, 256, 256};  // of A, B, C and D: the documented defaults
};

inline auto& lt_handles() { return objects<cublasLtHandle_t, LtHandle>("cublasLtHandle_t"); }
inline auto& descriptions() { return objects<cublasLtMatmulDesc_t, Description>("cublasLtMatmulDesc_t"); }
inline auto& layouts() { return objects<cublasLtMatrixLayout_t, Layout>("cublasLtMatrixLayout_t"); }
inline auto& preferences() {
  return objects<cublasLtMatmulPreference_t, Preference>("cublasLtMatmulPreference_t");
}

}  // namespace metron::fakes
