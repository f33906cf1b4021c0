#include <metron/kernels/cublas/functions.h>
#include <metron/kernels/internal/shared_library.h>

namespace metron::cublas {
namespace {

// Names with the headers' major version: other versions may differ in their interface.
Loaded<Functions> load() {
  static_assert(CUBLAS_VER_MAJOR == 12 || CUBLAS_VER_MAJOR == 13);
  constexpr bool is_13 = CUBLAS_VER_MAJOR == 13;
  Loaded<Functions> loaded;
  Functions& f = loaded.functions;
  SharedLibrary blas(is_13 ? "libcublas.so.13" : "libcublas.so.12");
  METRON_LOOKUP(blas, f.create, cublasCreate_v2);
  METRON_LOOKUP(blas, f.destroy, cublasDestroy_v2);
  METRON_LOOKUP(blas, f.set_stream, cublasSetStream_v2);
  METRON_LOOKUP(blas, f.set_workspace, cublasSetWorkspace_v2);
  METRON_LOOKUP(blas, f.set_math_mode, cublasSetMathMode);
  METRON_LOOKUP(blas, f.gemm, cublasGemmStridedBatchedEx);
  SharedLibrary lt(is_13 ? "libcublasLt.so.13" : "libcublasLt.so.12");
  METRON_LOOKUP(lt, f.version, cublasLtGetVersion);
  METRON_LOOKUP(lt, f.lt_create, cublasLtCreate);
  METRON_LOOKUP(lt, f.lt_destroy, cublasLtDestroy);
  METRON_LOOKUP(lt, f.matmul_desc_create, cublasLtMatmulDescCreate);
  METRON_LOOKUP(lt, f.matmul_desc_set, cublasLtMatmulDescSetAttribute);
  METRON_LOOKUP(lt, f.matmul_desc_destroy, cublasLtMatmulDescDestroy);
  METRON_LOOKUP(lt, f.layout_create, cublasLtMatrixLayoutCreate);
  METRON_LOOKUP(lt, f.layout_set, cublasLtMatrixLayoutSetAttribute);
  METRON_LOOKUP(lt, f.layout_destroy, cublasLtMatrixLayoutDestroy);
  METRON_LOOKUP(lt, f.preference_create, cublasLtMatmulPreferenceCreate);
  METRON_LOOKUP(lt, f.preference_set, cublasLtMatmulPreferenceSetAttribute);
  METRON_LOOKUP(lt, f.preference_destroy, cublasLtMatmulPreferenceDestroy);
  METRON_LOOKUP(lt, f.heuristic, cublasLtMatmulAlgoGetHeuristic);
  METRON_LOOKUP(lt, f.lt_matmul, cublasLtMatmul);
  loaded.error = blas.error().empty() ? lt.error() : blas.error();
  return loaded;
}

const Loaded<Functions>& loaded() {
  static const Loaded<Functions> once = load();
  return once;
}

}  // namespace

const Functions* functions() { return loaded().usable(); }
LibraryVersion library_version() { return loaded().version("cuBLAS"); }

}  // namespace metron::cublas
