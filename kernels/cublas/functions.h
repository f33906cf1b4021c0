// The functions of cuBLAS and cuBLASLt that Metron calls. A table, so that a program starts where the
// libraries are missing, and so that tests can put doubles in their place.
#pragma once

#include <cublasLt.h>
#include <cublas_v2.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace metron::cublas {

struct Functions {
  cublasStatus_t (*create)(cublasHandle_t*);
  cublasStatus_t (*destroy)(cublasHandle_t);
  cublasStatus_t (*set_stream)(cublasHandle_t, cudaStream_t);
  cublasStatus_t (*set_workspace)(cublasHandle_t, void*, std::size_t);
  cublasStatus_t (*set_math_mode)(cublasHandle_t, cublasMath_t);
  cublasStatus_t (*gemm)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int m, int n, int k,
                         const void* alpha, const void* a, cudaDataType, int lda, long long stride_a,
                         const void* b, cudaDataType, int ldb, long long stride_b, const void* beta, void* c,
                         cudaDataType, int ldc, long long stride_c, int batch, cublasComputeType_t,
                         cublasGemmAlgo_t);

  cublasStatus_t (*lt_create)(cublasLtHandle_t*);
  cublasStatus_t (*lt_destroy)(cublasLtHandle_t);
  cublasStatus_t (*matmul_desc_create)(cublasLtMatmulDesc_t*, cublasComputeType_t, cudaDataType_t);
  cublasStatus_t (*matmul_desc_set)(cublasLtMatmulDesc_t, cublasLtMatmulDescAttributes_t, const void*,
                                    std::size_t);
  cublasStatus_t (*matmul_desc_destroy)(cublasLtMatmulDesc_t);
  cublasStatus_t (*layout_create)(cublasLtMatrixLayout_t*, cudaDataType, std::uint64_t rows,
                                  std::uint64_t columns, std::int64_t leading_dimension);
  cublasStatus_t (*layout_set)(cublasLtMatrixLayout_t, cublasLtMatrixLayoutAttribute_t, const void*,
                               std::size_t);
  cublasStatus_t (*layout_destroy)(cublasLtMatrixLayout_t);
  cublasStatus_t (*preference_create)(cublasLtMatmulPreference_t*);
  cublasStatus_t (*preference_set)(cublasLtMatmulPreference_t, cublasLtMatmulPreferenceAttributes_t,
                                   const void*, std::size_t);
  cublasStatus_t (*preference_destroy)(cublasLtMatmulPreference_t);
  cublasStatus_t (*heuristic)(cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t a,
                              cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                              cublasLtMatmulPreference_t, int requested, cublasLtMatmulHeuristicResult_t*,
                              int* returned);
  cublasStatus_t (*lt_matmul)(cublasLtHandle_t, cublasLtMatmulDesc_t, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t, const void* b, cublasLtMatrixLayout_t, const void* beta,
                              const void* c, cublasLtMatrixLayout_t, void* d, cublasLtMatrixLayout_t,
                              const cublasLtMatmulAlgo_t*, void* workspace, std::size_t workspace_bytes,
                              cudaStream_t);
};

// Null where a library is missing or too old; `why_missing` says what was looked for. Opened at the first
// call.
const Functions* functions();
const std::string& why_missing();

}  // namespace metron::cublas
