// Cross-entropy of rows of logits with target classes, and its gradient. A row is read from memory once and
// stays in the cache for the maximum and the sum of exponentials.
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/fold.h>
#include <metron/kernels/functors.h>

#include <cmath>

namespace metron::METRON_ISA {
namespace {

using functor::exponential;

constexpr std::int64_t row_cost = 5;  // per element, in simple element-wise operations

// Calls body(n, row) for each row; strided rows are copied to dense ones.
template <typename T, typename Body>
void for_each_row(const Tensor& x, const Body& body) {
  const std::int64_t rows = x.shape()[0], classes = x.shape()[1];
  const std::int64_t row_stride = x.strides()[0], stride = x.strides()[1];
  const T* const in = x.data<T>();
  const auto over_rows = [&](const auto& one) {
    parallel_for(rows, grain_of(row_cost * classes), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) one(n);
    });
  };
  if (stride == 1) return over_rows([&](std::int64_t n) { body(n, in + n * row_stride); });
  const Scratch scratch(rows * classes, dtype_of<T>);
  T* const copies = scratch.data<T>();
  over_rows([&](std::int64_t n) {
    T* const row = copies + n * classes;
    for (std::int64_t c = 0; c < classes; ++c) row[c] = in[n * row_stride + c * stride];
    body(n, row);
  });
}

}  // namespace

bool cross_entropy(const Tensor& x, const Tensor& target, Reduction reduction, Tensor& statistics,
                   Tensor& y) {
  const std::int64_t rows = x.shape()[0], classes = x.shape()[1];
  check_indices("cross_entropy", "targets", target, classes);
  const std::int64_t* const target_class = target.data<std::int64_t>();
  const std::int64_t target_stride = target.strides()[0];
  return visit_dtype<float, double>(x.dtype(), [&]<typename T>() {
    T* const saved = statistics.mutable_data<T>();
    T* const out = y.mutable_data<T>();
    const bool each = reduction == Reduction::none;
    const Scratch scratch(each ? 0 : rows, dtype_of<T>);
    T* const losses = each ? out : scratch.data<T>();
    const std::int64_t stride = each ? y.strides()[0] : 1;
    for_each_row<T>(x, [=](std::int64_t n, const T* in) {
      const T largest = fold<T>(Max<T>{}, classes, [=](std::int64_t c) { return in[c]; });
      const T sum = fold<T>(Sum<T>{}, classes, [=](std::int64_t c) { return exponential(in[c] - largest); });
      saved[2 * n] = largest;
      saved[2 * n + 1] = std::log(sum);
      losses[n * stride] = saved[2 * n + 1] - (in[target_class[n * target_stride]] - largest);
    });
    if (each) return;
    const T total = fold<T>(Sum<T>{}, rows, [=](std::int64_t n) { return losses[n]; });
    *out = reduction == Reduction::mean ? total / static_cast<T>(rows) : total;
  });
}

bool cross_entropy_backward(const Tensor& g, const Tensor& x, const Tensor& target, const Tensor& statistics,
                            Reduction reduction, Tensor& gx) {
  const std::int64_t rows = x.shape()[0], classes = x.shape()[1];
  check_indices("cross_entropy", "targets", target, classes);
  const std::int64_t* const target_class = target.data<std::int64_t>();
  const std::int64_t target_stride = target.strides()[0];
  return visit_dtype<float, double>(gx.dtype(), [&]<typename T>() {
    const T* const saved = statistics.data<T>();
    const T* const gradient = g.data<T>();
    T* const out = gx.mutable_data<T>();
    const std::int64_t row_stride = gx.strides()[0], stride = gx.strides()[1];
    const std::int64_t gradient_stride = reduction == Reduction::none ? g.strides()[0] : 0;
    const T divisor = reduction == Reduction::mean ? static_cast<T>(rows) : T{1};
    for_each_row<T>(x, [=](std::int64_t n, const T* in) {
      const T largest = saved[2 * n], log_sum = saved[2 * n + 1];
      const T scale = gradient[n * gradient_stride] / divisor;
      T* const row = out + n * row_stride;
      for (std::int64_t c = 0; c < classes; ++c)
        row[c * stride] = exponential((in[c] - largest) - log_sum) * scale;
      row[target_class[n * target_stride] * stride] -= scale;
    });
  });
}

}  // namespace metron::METRON_ISA
