// The double of cuBLAS.
#include <cublas_v2.h>

#include <algorithm>
#include <memory>

#include "cublas_double.h"

using namespace metron::doubles;

namespace {

struct Handle : Bound {
  bool has_workspace = false;
};
auto& handles() {
  static auto& objects = *new Objects<cublasHandle_t, Handle>("cublasHandle_t");
  return objects;
}

Handle& checked(cublasHandle_t handle) { return require_alive(handles(), handle, "the handle"); }

template <typename Body>
cublasStatus_t answered(const char* function, const Body& body) {
  return answer(function, body, CUBLAS_STATUS_INVALID_VALUE, status_of);
}

}  // namespace

namespace metron::doubles {

cublasStatus_t status_of(Refusal refusal) {
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

bool is_supported(cublasComputeType_t compute, cudaDataType scale, cudaDataType operands) {
  switch (compute) {
    case CUBLAS_COMPUTE_64F:
      return scale == CUDA_R_64F && operands == CUDA_R_64F;
    case CUBLAS_COMPUTE_32F_FAST_TF32:
      return scale == CUDA_R_32F && operands == CUDA_R_32F;
    case CUBLAS_COMPUTE_32F:
      return scale == CUDA_R_32F && operands != CUDA_R_64F;
  }
  return false;
}

std::size_t size_of(cudaDataType type) { return type == CUDA_R_64F ? 8 : type == CUDA_R_32F ? 4 : 2; }

std::vector<LibraryOperand> operands_of(const Matrix& matrix, bool read, bool written) {
  const std::size_t size = size_of(matrix.type);
  std::vector<LibraryOperand> list;
  for (std::int64_t i = 0; i < matrix.batch; ++i) {
    if (i > 0 && matrix.batch_stride == 0) break;
    list.push_back({matrix.name,
                    static_cast<const std::byte*>(matrix.data) +
                        static_cast<std::size_t>(i * matrix.batch_stride) * size,
                    static_cast<std::size_t>(matrix.rows) * size,
                    static_cast<std::size_t>(matrix.leading_dimension) * size,
                    static_cast<std::size_t>(matrix.columns), read, written});
  }
  return list;
}

void require_sound(const Matrix& matrix) {
  require(matrix.leading_dimension >= std::max<std::int64_t>(1, matrix.rows), "the leading dimension of ",
          matrix.name, " is ", matrix.leading_dimension, ", less than its ", matrix.rows, " rows");
  require_device_pointer(matrix.data, matrix.name, size_of(matrix.type));
}

void require_distinct_batches(const Matrix& c) {
  require(c.batch <= 1 || c.batch_stride >= c.leading_dimension * (c.columns - 1) + c.rows,
          "the matrices of ", c.name, " overlap: they are ", c.batch_stride, " elements apart");
}

namespace {

// op(matrix) of a batch, dense and column by column.
template <typename T>
void read_matrix(const Matrix& m, std::int64_t batch, std::vector<double>& dense) {
  const T* const data = static_cast<const T*>(m.data) + batch * m.batch_stride;
  const std::int64_t rows = m.transposed ? m.columns : m.rows, columns = m.transposed ? m.rows : m.columns;
  dense.resize(static_cast<std::size_t>(rows * columns));
  for (std::int64_t j = 0; j < columns; ++j) {
    double* const column = dense.data() + j * rows;
    if (m.transposed) {
      for (std::int64_t i = 0; i < rows; ++i) column[i] = to_double(data[j + i * m.leading_dimension]);
    } else {
      for (std::int64_t i = 0; i < rows; ++i) column[i] = to_double(data[i + j * m.leading_dimension]);
    }
  }
}

template <typename T>
void multiply_in(const Multiplication& call) {
  const auto [a, b, c, d] = std::tie(call.a, call.b, call.c, call.d);
  const std::int64_t m = d.rows, n = d.columns, k = a.transposed ? a.rows : a.columns;
  std::vector<double> left, right, sum(static_cast<std::size_t>(m));
  for (std::int64_t batch = 0; batch < d.batch; ++batch) {
    read_matrix<T>(a, batch, left);
    read_matrix<T>(b, batch, right);
    for (std::int64_t j = 0; j < n; ++j) {
      std::fill(sum.begin(), sum.end(), 0.0);
      for (std::int64_t p = 0; p < k; ++p) {
        const double factor = right[static_cast<std::size_t>(j * k + p)];
        const double* const column = left.data() + p * m;
        for (std::int64_t i = 0; i < m; ++i) sum[static_cast<std::size_t>(i)] += factor * column[i];
      }
      const T* const old = static_cast<const T*>(c.data) + batch * c.batch_stride + j * c.leading_dimension;
      T* const to =
          static_cast<T*>(const_cast<void*>(d.data)) + batch * d.batch_stride + j * d.leading_dimension;
      for (std::int64_t i = 0; i < m; ++i) {
        double value = call.alpha * sum[static_cast<std::size_t>(i)];
        if (call.beta != 0) value += call.beta * to_double(old[i]);
        if (call.bias != nullptr) value += to_double(static_cast<const T*>(call.bias)[i]);
        if (call.relu) value = value < 0 ? 0 : value;
        to[i] = from_double<T>(value);
      }
    }
  }
}

}  // namespace

void multiply(const Multiplication& call) {
  switch (call.d.type) {
    case CUDA_R_32F:
      return multiply_in<float>(call);
    case CUDA_R_64F:
      return multiply_in<double>(call);
    case CUDA_R_16F:
      return multiply_in<float16>(call);
    case CUDA_R_16BF:
      return multiply_in<bfloat16>(call);
  }
}

}  // namespace metron::doubles

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  return answered("cublasCreate", [&] {
    *handle = handles().make({{current_device(), std::nullopt}, false});
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  if (handles().remove(handle)) return CUBLAS_STATUS_SUCCESS;
  metron::emulator::refuse_library_call("cublasDestroy", "the handle is none in use");
  return CUBLAS_STATUS_NOT_INITIALIZED;
}

// The library forgets the workspace that it was given for the stream before.
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  return answered("cublasSetStream", [&] {
    Handle& h = checked(handle);
    h.stream = stream;
    h.has_workspace = false;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, size_t bytes) {
  return answered("cublasSetWorkspace", [&] {
    Handle& h = checked(handle);
    require_device_pointer(workspace, "the workspace", 256);
    require(h.stream.has_value(), "the workspace is given before the stream, which takes it away again");
    enqueue(*h.stream, "cublasSetWorkspace", {workspace_operand(workspace, bytes)},
            [=] { poison(workspace, bytes); });
    h.has_workspace = true;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t) {
  return answered("cublasSetMathMode", [&] {
    checked(handle);
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
  return answered(name, [&] {
    const Handle& h = checked(handle);
    require_bound(h);
    require(h.has_workspace, "the handle has no workspace of ours: setting the stream takes it away");
    require(m >= 0 && n >= 0 && k >= 0 && batch >= 0, "m, n, k and the batch must not be negative");
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
    submit(name, *h.stream, call, {});
    return CUBLAS_STATUS_SUCCESS;
  });
}

}  // extern "C"

namespace metron::doubles {

void submit(const char* name, cudaStream_t stream, const Multiplication& call, LibraryOperand bias) {
  std::vector<LibraryOperand> operands;
  const auto add = [&](const std::vector<LibraryOperand>& more) {
    operands.insert(operands.end(), more.begin(), more.end());
  };
  add(operands_of(call.a, true, false));
  add(operands_of(call.b, true, false));
  if (bias.begin != nullptr) add({bias});
  const auto results = operands_of(call.d, call.beta != 0 && call.c.data == call.d.data, true);
  for (const LibraryOperand& result : results) {
    for (const LibraryOperand& operand : operands) require_apart(result, operand);
  }
  if (call.beta != 0 && call.c.data != call.d.data) add(operands_of(call.c, true, false));
  add(results);
  enqueue(stream, name, std::move(operands), [call] { multiply(call); });
}

}  // namespace metron::doubles
