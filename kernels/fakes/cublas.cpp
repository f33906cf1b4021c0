// Fake of cuBLAS.
#include <metron/kernels/fakes/cublas_fake.h>

#include <algorithm>

using namespace metron::fakes;

namespace {

struct Handle : Bound {
  bool has_workspace = false;
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
};
auto& handles() { return objects<cublasHandle_t, Handle>("cublasHandle_t"); }

Handle& checked(cublasHandle_t handle) { return require_alive(handles(), handle, "the handle"); }

}  // namespace

namespace metron::fakes {

cublasStatus_t cublas_status_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::not_supported:
      return CUBLAS_STATUS_NOT_SUPPORTED;
    case Refusal::allocation_failed:
      return CUBLAS_STATUS_ALLOC_FAILED;
    case Refusal::execution_failed:
      return CUBLAS_STATUS_EXECUTION_FAILED;
  }
  return CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // namespace metron::fakes

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  return cublas_created("cublasCreate", handles(), handle, Handle{{current_device(), std::nullopt}});
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  return destroyed("cublasDestroy", handles(), handle, CUBLAS_STATUS_NOT_INITIALIZED);
}

// Resets the user workspace, as documented.
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  return cublas_answered("cublasSetStream", [&] {
    Handle& h = checked(handle);
    h.stream = stream;
    h.has_workspace = false;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, size_t bytes) {
  return cublas_answered("cublasSetWorkspace", [&] {
    Handle& h = checked(handle);
    require_device_pointer(workspace, "the workspace", 256);
    require(h.stream.has_value(), "the workspace must be set after the stream, which resets it");
    enqueue(*h.stream, "cublasSetWorkspace", {workspace_operand(workspace, bytes)},
            [=] { poison(workspace, bytes); });
    h.has_workspace = true;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t math) {
  return cublas_answered("cublasSetMathMode", [&] {
    checked(handle).math = math;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t transa,
                                          cublasOperation_t transb, int m, int n, int k, const void* alpha,
                                          const void* a, cudaDataType a_type, int lda, long long stride_a,
                                          const void* b, cudaDataType b_type, int ldb, long long stride_b,
                                          const void* beta, void* c, cudaDataType c_type, int ldc,
                                          long long stride_c, int batch, cublasComputeType_t compute,
                                          cublasGemmAlgo_t) {
  constexpr const char* name = "cublasGemmStridedBatchedEx";
  return cublas_answered(name, [&] {
    const Handle& h = checked(handle);
    require_bound(h);
    require(h.has_workspace, "the handle has no user workspace: cublasSetStream resets it");
    require(m >= 0 && n >= 0 && k >= 0 && batch >= 0, "m, n, k and the batch count must not be negative");
    if (m == 0 || n == 0 || batch == 0) return CUBLAS_STATUS_SUCCESS;
    if (a_type != b_type || a_type != c_type ||
        !is_supported(compute, compute == CUBLAS_COMPUTE_64F ? CUDA_R_64F : CUDA_R_32F, a_type))
      return CUBLAS_STATUS_NOT_SUPPORTED;
    require_host_pointer(alpha, "alpha");
    require_host_pointer(beta, "beta");
    const bool ta = transa != CUBLAS_OP_N, tb = transb != CUBLAS_OP_N, wide = compute == CUBLAS_COMPUTE_64F;
    Multiplication call;
    call.a = {"A", a, a_type, ta ? k : m, ta ? m : k, lda, stride_a, batch, ta};
    call.b = {"B", b, b_type, tb ? n : k, tb ? k : n, ldb, stride_b, batch, tb};
    call.d = call.c = {"C", c, c_type, m, n, ldc, stride_c, batch, false};
    call.alpha = factor(alpha, wide);
    call.beta = factor(beta, wide);
    for (const Matrix& matrix : {call.a, call.b, call.c}) require_sound(matrix);
    require_distinct_batches(call.c);
    require(size_of(c_type) > 2 || h.math == CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION,
            "the default math mode may reduce partial sums in 16 bits");
    submit(name, *h.stream, call);
    return CUBLAS_STATUS_SUCCESS;
  });
}

}  // extern "C"
