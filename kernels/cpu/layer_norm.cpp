// Layer normalization: a row is read from memory once and stays in the cache for its mean, its variance and
// the result. The backward pass splits the rows into chunks that depend on the shape alone; their partial
// sums of gw and gb are added in order. Memory traffic: at least x and y once (backward g, x and gx).
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/moments.h>
#include <metron/kernels/cpu/tasks.h>
#include <metron/kernels/internal/formatted.h>

#include <algorithm>
#include <cmath>

namespace metron::METRON_ISA {
namespace {

constexpr Index partial_sums_bytes = 16 * 1024 * 1024;  // partial weight gradients of all chunks
constexpr Index max_chunks = 32;
constexpr Index rows_per_chunk = 16;  // minimum

// The elements of a rank-1 parameter, or a constant if it is undefined.
template <typename T>
class RowParameter {
 public:
  RowParameter(const Tensor& parameter, Index columns, T absent)
      : parameter_(parameter, MemoryFormat::contiguous, copy),
        constant_(parameter.defined() ? 0 : columns, dtype_of<T>) {
    if (!parameter.defined()) std::fill_n(constant_.data<T>(), columns, absent);
  }
  const T* data() const {
    return parameter_.data<T>() != nullptr ? parameter_.data<T>() : constant_.data<T>();
  }

 private:
  FormattedInput parameter_;
  Scratch constant_;
};

// Partial sums of gw and gb over one chunk of rows.
struct PartialSums {
  double* weight;
  double* bias;
};

// x as normalized by the forward pass.
template <typename T>
struct NormalizedRow {
  const T* x;
  T mean, low, scale;

  NormalizedRow(const T* row, const RowMoments<T>& moments, double eps)
      : x(row), mean(moments.mean), low(moments.low), scale(moments.scale(eps)) {}
  T operator[](Index i) const { return ((x[i] - mean) - low) * scale; }
};

template <typename T>
void backward_row(const T* g, NormalizedRow<T> x, const T* w, Index n, T* gx) {
  const T count = static_cast<T>(n);
  const T sum = fold<T>(Sum<T>(), n, [&](Index i) { return g[i] * w[i]; }) / count;
  const T projection = fold<T>(Sum<T>(), n, [&](Index i) { return g[i] * w[i] * x[i]; }) / count;
  for (Index i = 0; i < n; ++i) gx[i] = x.scale * (g[i] * w[i] - sum - x[i] * projection);
}

template <typename T>
void add_partial_sums(const T* g, NormalizedRow<T> x, Index n, const PartialSums& sums) {
  for (Index i = 0; i < n; ++i) {
    sums.weight[i] += static_cast<double>(g[i]) * static_cast<double>(x[i]);
    sums.bias[i] += static_cast<double>(g[i]);
  }
}

// gradient[i] = sum of the chunks' partial sums, which are `stride` apart.
template <typename T>
void reduce_partial_sums(const double* partials, Index chunks, Index stride, Tensor& gradient) {
  const Index step = gradient.strides()[0];
  T* const out = gradient.mutable_data<T>();
  parallel_for(gradient.numel(), grain_of(chunks), [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      double sum = 0;
      for (Index chunk = 0; chunk < chunks; ++chunk) sum += partials[chunk * stride + i];
      out[i * step] = static_cast<T>(sum);
    }
  });
}

}  // namespace

bool layer_norm(const Tensor& x, const Tensor& w, const Tensor& b, double eps, Tensor& mean, Tensor& variance,
                Tensor& y) {
  return visit_dtype<float, double>(y.dtype(), [&]<typename T>() {
    const Index columns = x.size(1);
    const RowParameter<T> weight(w, columns, 1), bias(b, columns, 0);
    const FormattedInput rows(x, MemoryFormat::contiguous, copy);
    FormattedOutput means(mean, MemoryFormat::contiguous, copy),
        variances(variance, MemoryFormat::contiguous, copy);
    FormattedOutput result(y, MemoryFormat::contiguous, copy);
    const T* const from = rows.data<T>();
    const T* const scales = weight.data();
    const T* const shifts = bias.data();
    T* const row_mean = means.data<T>();
    T* const row_variance = variances.data<T>();
    T* const out = result.data<T>();
    parallel_for(x.size(0), grain_of(4 * columns), [&](Index first, Index last) {
      for (Index row = first; row < last; ++row) {
        const T* const values = from + row * columns;
        const RowMoments<T> row_moments = moments(values, columns, eps);
        const NormalizedRow<T> normalized(values, row_moments, eps);
        for (Index i = 0; i < columns; ++i) out[row * columns + i] = normalized[i] * scales[i] + shifts[i];
        row_mean[row] = row_moments.mean;
        row_variance[row] = static_cast<T>(row_moments.variance);
      }
    });
    means.finish();
    variances.finish();
    result.finish();
  });
}

bool layer_norm_backward(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                         const Tensor& variance, double eps, Tensor& gx, Tensor& gw, Tensor& gb) {
  return visit_dtype<float, double>(gx.dtype(), [&]<typename T>() {
    const Index rows = x.size(0), columns = x.size(1);
    const RowParameter<T> weight(w, columns, 1);
    const FormattedInput dense_g(g, MemoryFormat::contiguous, copy),
        dense_x(x, MemoryFormat::contiguous, copy);
    const FormattedInput means(mean, MemoryFormat::contiguous, copy);
    const FormattedInput variances(variance, MemoryFormat::contiguous, copy);
    FormattedOutput result(gx, MemoryFormat::contiguous, copy);

    const bool with_weights = gw.defined() || gb.defined();
    const Index chunk_size = 2 * columns;
    const Index fitting =
        partial_sums_bytes / std::max<Index>(chunk_size * static_cast<Index>(sizeof(double)), 1);
    const Index chunks = std::clamp<Index>(std::min(rows / rows_per_chunk, fitting), 1, max_chunks);
    const Scratch scratch(with_weights ? chunks * chunk_size : 0, DType::float64);
    double* const sums = scratch.data<double>();  // (chunks, 2, columns)
    const T* const all_g = dense_g.data<T>();
    const T* const all_x = dense_x.data<T>();
    const T* const scales = weight.data();
    const T* const row_mean = means.data<T>();
    const T* const row_variance = variances.data<T>();
    T* const out = result.data<T>();
    parallel_for(chunks, grain_of(6 * rows * columns / chunks), [&](Index first, Index last) {
      for (Index chunk = first; chunk < last; ++chunk) {
        const PartialSums chunk_sums{sums + chunk * chunk_size, sums + chunk * chunk_size + columns};
        if (with_weights) std::fill_n(chunk_sums.weight, chunk_size, 0.0);
        for (Index row = rows * chunk / chunks; row < rows * (chunk + 1) / chunks; ++row) {
          const T* const row_g = all_g + row * columns;
          const T* const row_x = all_x + row * columns;
          const NormalizedRow<T> normalized(
              row_x, saved_moments(row_x, columns, row_mean[row], row_variance[row], eps), eps);
          backward_row(row_g, normalized, scales, columns, out + row * columns);
          if (with_weights) add_partial_sums(row_g, normalized, columns, chunk_sums);
        }
      }
    });
    if (gw.defined()) reduce_partial_sums<T>(sums, chunks, chunk_size, gw);
    if (gb.defined()) reduce_partial_sums<T>(sums + columns, chunks, chunk_size, gb);
    result.finish();
  });
}

}  // namespace metron::METRON_ISA
