// Matrix product of the cuBLAS and cuBLASLt fakes: preconditions and arithmetic.
#include <metron/kernels/fakes/cublas_fake.h>

#include <algorithm>
#include <tuple>

namespace metron::fakes {

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
          "the matrices of ", c.name, " overlap: the batch stride is ", c.batch_stride, " elements");
}

namespace {

// op(matrix) of one batch, dense and column-major.
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
      double b_sum = 0;
      std::fill(sum.begin(), sum.end(), 0.0);
      for (std::int64_t p = 0; p < k; ++p) {
        const double factor = right[static_cast<std::size_t>(j * k + p)];
        b_sum += factor;
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
        to[i] = from_double<T>(value);
      }
      if (call.b_sums != nullptr) static_cast<T*>(call.b_sums)[j] = from_double<T>(b_sum);
    }
  }
}

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

LibraryOperand vector_operand(const char* name, const void* data, std::int64_t size, cudaDataType type,
                              bool is_read) {
  const std::size_t bytes = static_cast<std::size_t>(size) * size_of(type);
  return {name, data, bytes, bytes, 1, is_read, !is_read};
}

}  // namespace

void submit(const char* name, cudaStream_t stream, const Multiplication& call) {
  const Matrix& d = call.d;
  std::vector<LibraryOperand> operands;
  const auto add = [&](const std::vector<LibraryOperand>& more) {
    operands.insert(operands.end(), more.begin(), more.end());
  };
  add(operands_of(call.a, true, false));
  add(operands_of(call.b, true, false));
  if (call.bias != nullptr) add({vector_operand("the bias", call.bias, d.rows, d.type, true)});
  if (call.beta != 0 && call.c.data != d.data) add(operands_of(call.c, true, false));
  auto results = operands_of(d, call.beta != 0 && call.c.data == d.data, true);
  if (call.b_sums != nullptr)
    results.insert(results.begin(),
                   vector_operand("the bias's gradient", call.b_sums, d.columns, d.type, false));
  for (const LibraryOperand& result : results) {
    for (const LibraryOperand& operand : operands) require_apart(result, operand);
    if (&result != &results.front()) require_apart(result, results.front());
  }
  add(results);
  enqueue(stream, name, std::move(operands), [call] { multiply(call); });
}

}  // namespace metron::fakes
