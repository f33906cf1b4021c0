// Fake of cuBLASLt: algorithm selection and the product. The only algorithm requires a small workspace and
// the alignments stated in the preference, and is valid only for the problem it was chosen for.
//
// Based on the comments in NVIDIA's cublasLt.h and the cuBLAS guide. Where those are silent, the fake assumes
// the worst that users have reported: ReLU maps NaN to 0 (NVIDIA's developer forum), vectors must be 16-byte
// aligned (PyTorch's and Marian's issues), and BGRADB fails for k = 1 (OneFlow's kernels). Epilogues support
// float64, as PyTorch requests them; otherwise the provider would decline.
#include <metron/kernels/fakes/cublaslt_fake.h>

#include <algorithm>
#include <utility>

using namespace metron::fakes;

namespace {

// The problem that an algorithm was chosen for.
struct Problem {
  Description description;
  Layout a, b, c, d;
};

Problem problem_of(cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                   cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d) {
  Problem p{require_alive(descriptions(), desc, "the operation's descriptor"),
            require_alive(layouts(), a, "A's layout"), require_alive(layouts(), b, "B's layout"),
            require_alive(layouts(), c, "C's layout"), require_alive(layouts(), d, "D's layout")};
  const auto op = [](const Layout& layout, std::int32_t transposed) {
    return transposed == CUBLAS_OP_N ? std::pair(layout.rows, layout.columns)
                                     : std::pair(layout.columns, layout.rows);
  };
  const auto [m, k] = op(p.a, p.description.transa);
  const auto [k2, n] = op(p.b, p.description.transb);
  require(k == k2, "op(A) has ", k, " columns, op(B) ", k2, " rows");
  require(p.d.rows == m && p.d.columns == n && p.c.rows == m && p.c.columns == n, "C and D must be ", m,
          " by ", n, ", D is ", p.d.rows, " by ", p.d.columns);
  for (const Layout* layout : {&p.a, &p.b, &p.c, &p.d}) {
    require(layout->leading_dimension >= static_cast<std::int64_t>(layout->rows), "a leading dimension is ",
            layout->leading_dimension, ", less than its ", layout->rows, " rows");
    require(layout->batch == p.d.batch, "batch counts differ");
  }
  const std::uint32_t epilogue = p.description.epilogue;
  require((epilogue & CUBLASLT_EPILOGUE_RELU) == 0,
          "the ReLU epilogue maps NaN to 0; Metron's propagates it");
  require(epilogue != CUBLASLT_EPILOGUE_BGRADB || (k > 1 && p.d.batch == 1),
          "BGRADB requires a batch count of 1 and k > 1");
  return p;
}

bool is_supported(const Problem& p) {
  const Description& d = p.description;
  const bool known = d.epilogue == CUBLASLT_EPILOGUE_DEFAULT || d.epilogue == CUBLASLT_EPILOGUE_BIAS ||
                     d.epilogue == CUBLASLT_EPILOGUE_BGRADB;
  return known && p.a.type == p.b.type && p.a.type == p.c.type && p.a.type == p.d.type &&
         metron::fakes::is_supported(d.compute, d.scale, p.d.type);
}

// A hash of the problem, stored in the algorithm. It excludes the vector's address.
std::uint64_t fingerprint(const Problem& p) {
  std::uint64_t hash = 14695981039346656037u;
  const auto mix = [&](auto value) { hash = (hash ^ static_cast<std::uint64_t>(value)) * 1099511628211u; };
  mix(p.description.compute), mix(p.description.scale), mix(p.description.transa), mix(p.description.transb),
      mix(p.description.epilogue);
  for (const Layout* l : {&p.a, &p.b, &p.c, &p.d})
    mix(l->type), mix(l->rows), mix(l->columns), mix(l->leading_dimension), mix(l->batch),
        mix(l->batch_stride);
  return hash;
}

constexpr std::uint64_t required_workspace = 1024;

Matrix matrix_of(const char* name, const void* data, const Layout& l, std::int32_t transposed) {
  return {name,
          data,
          l.type,
          static_cast<std::int64_t>(l.rows),
          static_cast<std::int64_t>(l.columns),
          l.leading_dimension,
          l.batch_stride,
          l.batch,
          transposed != CUBLAS_OP_N};
}

}  // namespace

extern "C" {

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int requested,
                                              cublasLtMatmulHeuristicResult_t results[], int* returned) {
  return cublas_answered("cublasLtMatmulAlgoGetHeuristic", [&] {
    require_alive(lt_handles(), handle, "the handle");
    const Problem p = problem_of(desc, a, b, c, d);
    const Preference& preferred = require_alive(preferences(), preference, "the preference");
    require(requested >= 1 && results != nullptr && returned != nullptr, "no results are requested");
    *returned = 0;
    constexpr std::uint32_t in_the_results_type =
        CUBLASLT_REDUCTION_SCHEME_INPLACE | CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;
    require(size_of(p.d.type) > 2 || (preferred.reductions & in_the_results_type) == 0,
            "the reduction schemes may reduce partial sums in 16 bits");
    if (!is_supported(p)) return CUBLAS_STATUS_NOT_SUPPORTED;
    results[0] = {};
    results[0].workspaceSize = std::min(required_workspace, preferred.workspace);
    auto& data = results[0].algo.data;
    data[0] = fingerprint(p);
    data[1] = results[0].workspaceSize;
    for (std::size_t i = 0; i < 4; ++i) data[2 + i] = preferred.alignments[i];
    results[0].state = CUBLAS_STATUS_SUCCESS;
    results[0].wavesCount = 1;
    *returned = 1;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algo, void* workspace, size_t workspace_bytes,
                              cudaStream_t stream) {
  return cublas_answered("cublasLtMatmul", [&] {
    const LtHandle& h = require_alive(lt_handles(), handle, "the handle");
    require_bound({h.device, stream});
    const Problem p = problem_of(desc, a_layout, b_layout, c_layout, d_layout);
    if (!is_supported(p)) return CUBLAS_STATUS_NOT_SUPPORTED;
    require_host_pointer(alpha, "alpha");
    require_host_pointer(beta, "beta");
    require(algo != nullptr && algo->data[0] == fingerprint(p),
            "the algorithm was chosen for another problem");
    require(workspace_bytes >= algo->data[1], "the algorithm requires ", algo->data[1],
            " bytes of workspace, got ", workspace_bytes);
    if (workspace_bytes > 0) require_device_pointer(workspace, "the workspace", 16);
    const bool wide = p.description.scale == CUDA_R_64F;
    Multiplication call;
    call.a = matrix_of("A", a, p.a, p.description.transa);
    call.b = matrix_of("B", b, p.b, p.description.transb);
    call.c = matrix_of("C", c, p.c, CUBLAS_OP_N);
    call.d = matrix_of("D", d, p.d, CUBLAS_OP_N);
    call.alpha = factor(alpha, wide);
    call.beta = factor(beta, wide);
    std::size_t index = 0;
    for (const Matrix* matrix : {&call.a, &call.b, &call.c, &call.d}) {
      require_sound(*matrix);
      require(reinterpret_cast<std::uintptr_t>(matrix->data) % algo->data[2 + index] == 0, matrix->name,
              " is not aligned to the ", algo->data[2 + index], " bytes that the preference states");
      ++index;
    }
    require_distinct_batches(call.d);
    const void* const vector = p.description.vector;
    if (p.description.epilogue != CUBLASLT_EPILOGUE_DEFAULT) {
      // The preference does not cover the vector's alignment, and cuBLASLt has selected kernels with 16-byte
      // loads.
      require_device_pointer(vector, "the epilogue's vector", 16);
      if (p.description.epilogue == CUBLASLT_EPILOGUE_BGRADB)
        call.b_sums = const_cast<void*>(vector);
      else
        call.bias = vector;
    }
    // Overwrites the workspace before the product: nothing may rely on its contents.
    enqueue(stream, "cublasLtMatmul", {workspace_operand(workspace, workspace_bytes)},
            [=] { poison(workspace, workspace_bytes); });
    submit("cublasLtMatmul", stream, call);
    return CUBLAS_STATUS_SUCCESS;
  });
}

}  // extern "C"
