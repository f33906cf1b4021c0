#include <metron/kernels/cublas/functions.h>
#include <metron/kernels/shared_library.h>

namespace metron::cublas {
namespace {

struct Loaded {
  Functions functions{};
  bool complete = false;
  std::string error;
};

// The names of the major version that the headers are of: another one may have another interface.
Loaded load() {
  static_assert(CUBLAS_VER_MAJOR == 12 || CUBLAS_VER_MAJOR == 13);
  constexpr bool is_13 = CUBLAS_VER_MAJOR == 13;
  Loaded loaded;
  Functions& f = loaded.functions;
  SharedLibrary blas({is_13 ? "libcublas.so.13" : "libcublas.so.12"});
  blas.lookup(f.create, "cublasCreate_v2");
  blas.lookup(f.destroy, "cublasDestroy_v2");
  blas.lookup(f.set_stream, "cublasSetStream_v2");
  blas.lookup(f.set_workspace, "cublasSetWorkspace_v2");
  blas.lookup(f.set_math_mode, "cublasSetMathMode");
  blas.lookup(f.gemm, "cublasGemmStridedBatchedEx");
  SharedLibrary lt({is_13 ? "libcublasLt.so.13" : "libcublasLt.so.12"});
  lt.lookup(f.lt_create, "cublasLtCreate");
  lt.lookup(f.lt_destroy, "cublasLtDestroy");
  lt.lookup(f.matmul_desc_create, "cublasLtMatmulDescCreate");
  lt.lookup(f.matmul_desc_set, "cublasLtMatmulDescSetAttribute");
  lt.lookup(f.matmul_desc_destroy, "cublasLtMatmulDescDestroy");
  lt.lookup(f.layout_create, "cublasLtMatrixLayoutCreate");
  lt.lookup(f.layout_set, "cublasLtMatrixLayoutSetAttribute");
  lt.lookup(f.layout_destroy, "cublasLtMatrixLayoutDestroy");
  lt.lookup(f.preference_create, "cublasLtMatmulPreferenceCreate");
  lt.lookup(f.preference_set, "cublasLtMatmulPreferenceSetAttribute");
  lt.lookup(f.preference_destroy, "cublasLtMatmulPreferenceDestroy");
  lt.lookup(f.heuristic, "cublasLtMatmulAlgoGetHeuristic");
  lt.lookup(f.lt_matmul, "cublasLtMatmul");
  loaded.complete = blas.is_complete() && lt.is_complete();
  loaded.error = blas.is_complete() ? lt.error() : blas.error();
  return loaded;
}

const Loaded& loaded() {
  static const Loaded once = load();
  return once;
}

}  // namespace

const Functions* functions() { return loaded().complete ? &loaded().functions : nullptr; }
const std::string& why_missing() { return loaded().error; }

}  // namespace metron::cublas
