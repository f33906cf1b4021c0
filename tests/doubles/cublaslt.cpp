// The double of cuBLASLt. Its only algorithm wants a small workspace and the alignments that the preference
// promised, and fits the one problem that it was chosen for.
#include <cublasLt.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "cublas_double.h"

using namespace metron::doubles;

namespace {

struct LtHandle {
  int device = 0;
};
struct Description {
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  cudaDataType scale = CUDA_R_32F;
  std::int32_t transa = CUBLAS_OP_N, transb = CUBLAS_OP_N;
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
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
  std::array<std::uint32_t, 4> alignments{256, 256, 256, 256};  // of A, B, C and D: the documented defaults
};

template <typename Handle, typename Object>
Objects<Handle, Object>& objects(const char* kind) {
  static auto& instance = *new Objects<Handle, Object>(kind);
  return instance;
}
auto& handles() { return objects<cublasLtHandle_t, LtHandle>("cublasLtHandle_t"); }
auto& descriptions() { return objects<cublasLtMatmulDesc_t, Description>("cublasLtMatmulDesc_t"); }
auto& layouts() { return objects<cublasLtMatrixLayout_t, Layout>("cublasLtMatrixLayout_t"); }
auto& preferences() { return objects<cublasLtMatmulPreference_t, Preference>("cublasLtMatmulPreference_t"); }

template <typename Body>
cublasStatus_t answered(const char* function, const Body& body) {
  return answer(function, body, CUBLAS_STATUS_INVALID_VALUE, status_of);
}

template <typename Registry, typename Handle>
cublasStatus_t destroyed(const char* function, Registry& registry, Handle handle) {
  if (registry.remove(handle)) return CUBLAS_STATUS_SUCCESS;
  metron::emulator::refuse_library_call(
      function, std::string("what is destroyed is no ") + registry.kind() + " in use");
  return CUBLAS_STATUS_INVALID_VALUE;
}

template <typename Value>
void assign(Value& to, const void* from, std::size_t bytes) {
  require(from != nullptr && bytes == sizeof(Value), "the attribute has ", sizeof(Value), " bytes, got ",
          bytes);
  std::memcpy(&to, from, sizeof(Value));
}

// Everything that an algorithm was chosen for.
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
            layout->leading_dimension, ", less than the ", layout->rows, " rows");
    require(layout->batch == p.d.batch, "the batches differ");
  }
  return p;
}

bool is_supported(const Problem& p) {
  const auto& [compute, scale, transa, transb, epilogue, bias] = p.description;
  const bool known = epilogue == CUBLASLT_EPILOGUE_DEFAULT || epilogue == CUBLASLT_EPILOGUE_RELU ||
                     epilogue == CUBLASLT_EPILOGUE_BIAS || epilogue == CUBLASLT_EPILOGUE_RELU_BIAS;
  return known && p.a.type == p.b.type && p.a.type == p.c.type && p.a.type == p.d.type &&
         metron::doubles::is_supported(compute, scale, p.d.type);
}

// A number that stands for the problem in the algorithm; the bias's address does not belong to it.
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

constexpr std::uint64_t wanted_workspace = 1024;

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

size_t cublasLtGetVersion(void) { return 130100; }

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  return answered("cublasLtCreate", [&] {
    *handle = handles().make({current_device()});
    return CUBLAS_STATUS_SUCCESS;
  });
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  return destroyed("cublasLtDestroy", handles(), handle);
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* desc, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  return answered("cublasLtMatmulDescCreate", [&] {
    Description made;
    made.compute = compute;
    made.scale = scale;
    *desc = descriptions().make(made);
    return CUBLAS_STATUS_SUCCESS;
  });
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) {
  return destroyed("cublasLtMatmulDescDestroy", descriptions(), desc);
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc,
                                              cublasLtMatmulDescAttributes_t attribute, const void* value,
                                              size_t bytes) {
  return answered("cublasLtMatmulDescSetAttribute", [&] {
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
        assign(d.bias, value, bytes);
        break;
    }
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type, uint64_t rows,
                                          uint64_t columns, int64_t leading_dimension) {
  return answered("cublasLtMatrixLayoutCreate", [&] {
    *layout = layouts().make({type, rows, columns, leading_dimension, 1, 0});
    return CUBLAS_STATUS_SUCCESS;
  });
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return destroyed("cublasLtMatrixLayoutDestroy", layouts(), layout);
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t attribute, const void* value,
                                                size_t bytes) {
  return answered("cublasLtMatrixLayoutSetAttribute", [&] {
    Layout& l = require_alive(layouts(), layout, "the layout");
    if (attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT)
      assign(l.batch, value, bytes);
    else
      assign(l.batch_stride, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  return answered("cublasLtMatmulPreferenceCreate", [&] {
    *preference = preferences().make({});
    return CUBLAS_STATUS_SUCCESS;
  });
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return destroyed("cublasLtMatmulPreferenceDestroy", preferences(), preference);
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, size_t bytes) {
  return answered("cublasLtMatmulPreferenceSetAttribute", [&] {
    Preference& p = require_alive(preferences(), preference, "the preference");
    if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) {
      assign(p.workspace, value, bytes);
    } else {
      const int operand = attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
      require(operand >= 0 && operand < 4, "the attribute ", static_cast<int>(attribute), " is unknown");
      assign(p.alignments[static_cast<std::size_t>(operand)], value, bytes);
    }
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int requested,
                                              cublasLtMatmulHeuristicResult_t results[], int* returned) {
  return answered("cublasLtMatmulAlgoGetHeuristic", [&] {
    require_alive(handles(), handle, "the handle");
    const Problem p = problem_of(desc, a, b, c, d);
    const Preference& wanted = require_alive(preferences(), preference, "the preference");
    require(requested >= 1 && results != nullptr && returned != nullptr, "no result is asked for");
    *returned = 0;
    if (!is_supported(p)) return CUBLAS_STATUS_NOT_SUPPORTED;
    results[0] = {};
    results[0].workspaceSize = std::min(wanted_workspace, wanted.workspace);
    auto& data = results[0].algo.data;
    data[0] = fingerprint(p);
    data[1] = results[0].workspaceSize;
    for (std::size_t i = 0; i < 4; ++i) data[2 + i] = wanted.alignments[i];
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
  return answered("cublasLtMatmul", [&] {
    const LtHandle& h = require_alive(handles(), handle, "the handle");
    require_bound({h.device, stream});
    const Problem p = problem_of(desc, a_layout, b_layout, c_layout, d_layout);
    if (!is_supported(p)) return CUBLAS_STATUS_NOT_SUPPORTED;
    require_host_pointer(alpha, "alpha");
    require_host_pointer(beta, "beta");
    require(algo != nullptr && algo->data[0] == fingerprint(p),
            "the algorithm was chosen for another problem");
    require(workspace_bytes >= algo->data[1], "the algorithm wants ", algo->data[1],
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
    call.relu = (p.description.epilogue & CUBLASLT_EPILOGUE_RELU) != 0;
    std::size_t index = 0;
    for (const Matrix* matrix : {&call.a, &call.b, &call.c, &call.d}) {
      require_sound(*matrix);
      require(reinterpret_cast<std::uintptr_t>(matrix->data) % algo->data[2 + index] == 0, matrix->name,
              " is not aligned to the ", algo->data[2 + index], " bytes that the preference promised");
      ++index;
    }
    require_distinct_batches(call.d);
    LibraryOperand bias;
    if ((p.description.epilogue & CUBLASLT_EPILOGUE_BIAS) != 0) {
      require_device_pointer(p.description.bias, "the bias", size_of(p.d.type));
      call.bias = p.description.bias;
      const std::size_t bytes = p.d.rows * size_of(p.d.type);
      bias = {"the bias", call.bias, bytes, bytes, 1, true, false};
    }
    // The workspace takes its turn before the product, and is left full of NaN.
    enqueue(stream, "cublasLtMatmul", {workspace_operand(workspace, workspace_bytes)},
            [=] { poison(workspace, workspace_bytes); });
    submit("cublasLtMatmul", stream, call, bias);
    return CUBLAS_STATUS_SUCCESS;
  });
}

}  // extern "C"
