// Fake of cuBLASLt: handles, descriptors and their attributes.
#include <metron/kernels/fakes/cublaslt_fake.h>

#include <cstring>

using namespace metron::fakes;

namespace {

template <typename Value>
void assign(Value& to, const void* from, std::size_t bytes) {
  require(from != nullptr && bytes == sizeof(Value), "the attribute has ", sizeof(Value), " bytes, got ",
          bytes);
  std::memcpy(&to, from, sizeof(Value));
}

}  // namespace

extern "C" {

size_t cublasLtGetVersion(void) { return 130100; }

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  return cublas_created("cublasLtCreate", lt_handles(), handle, LtHandle{current_device()});
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  return destroyed("cublasLtDestroy", lt_handles(), handle, CUBLAS_STATUS_INVALID_VALUE);
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* desc, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  Description made;
  made.compute = compute;
  made.scale = scale;
  return cublas_created("cublasLtMatmulDescCreate", descriptions(), desc, made);
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) {
  return destroyed("cublasLtMatmulDescDestroy", descriptions(), desc, CUBLAS_STATUS_INVALID_VALUE);
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc,
                                              cublasLtMatmulDescAttributes_t attribute, const void* value,
                                              size_t bytes) {
  return cublas_answered("cublasLtMatmulDescSetAttribute", [&] {
    Description& d = require_alive(descriptions(), desc, "the operation's descriptor");
    switch (attribute) {
      case CUBLASLT_MATMUL_DESC_TRANSA:
        assign(d.transa, value, bytes);
        break;
      case CUBLASLT_MATMUL_DESC_TRANSB:
        assign(d.transb, value, bytes);
        break;
      case CUBLASLT_MATMUL_DESC_EPILOGUE:
        assign(d.epilogue, value, bytes);
        break;
      case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
        assign(d.vector, value, bytes);
        break;
    }
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type, uint64_t rows,
                                          uint64_t columns, int64_t leading_dimension) {
  return cublas_created("cublasLtMatrixLayoutCreate", layouts(), layout,
                        Layout{type, rows, columns, leading_dimension, 1, 0});
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return destroyed("cublasLtMatrixLayoutDestroy", layouts(), layout, CUBLAS_STATUS_INVALID_VALUE);
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t attribute, const void* value,
                                                size_t bytes) {
  return cublas_answered("cublasLtMatrixLayoutSetAttribute", [&] {
    Layout& l = require_alive(layouts(), layout, "the layout");
    if (attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT)
      assign(l.batch, value, bytes);
    else
      assign(l.batch_stride, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  return cublas_created("cublasLtMatmulPreferenceCreate", preferences(), preference, Preference{});
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return destroyed("cublasLtMatmulPreferenceDestroy", preferences(), preference, CUBLAS_STATUS_INVALID_VALUE);
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, size_t bytes) {
  return cublas_answered("cublasLtMatmulPreferenceSetAttribute", [&] {
    Preference& p = require_alive(preferences(), preference, "the preference");
    if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) {
      assign(p.workspace, value, bytes);
    } else if (attribute == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK) {
      assign(p.reductions, value, bytes);
    } else {
      const int operand = attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
      require(operand >= 0 && operand < 4, "unknown attribute ", static_cast<int>(attribute));
      assign(p.alignments[static_cast<std::size_t>(operand)], value, bytes);
    }
    return CUBLAS_STATUS_SUCCESS;
  });
}

}  // extern "C"
