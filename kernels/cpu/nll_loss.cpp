// Negative log-likelihood loss and its gradient.
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/fold.h>
#include <metron/kernels/cpu/map.h>

namespace metron::METRON_ISA {

bool nll_loss(const Tensor& x, const Tensor& target, Reduction reduction, Tensor& y) {
  const std::int64_t rows = x.shape()[0];
  check_indices("nll_loss", "targets", target, x.shape()[1]);
  const std::int64_t* const classes = target.data<std::int64_t>();
  const std::int64_t class_stride = target.strides()[0];
  return visit_dtype<float, double>(x.dtype(), [&]<typename T>() {
    const T* const in = x.data<T>();
    T* const out = y.mutable_data<T>();
    const std::int64_t row_stride = x.strides()[0], column_stride = x.strides()[1];
    const auto loss = [=](std::int64_t n) {
      return -in[n * row_stride + classes[n * class_stride] * column_stride];
    };
    if (reduction == Reduction::none) {
      for (std::int64_t n = 0; n < rows; ++n) out[n * y.strides()[0]] = loss(n);
      return;
    }
    const T sum = fold<T>(Sum<T>{}, rows, loss);
    *out = reduction == Reduction::mean ? sum / static_cast<T>(rows) : sum;
  });
}

bool nll_loss_backward(const Tensor& g, const Tensor& target, Reduction reduction, Tensor& gx) {
  const std::int64_t rows = gx.shape()[0];
  check_indices("nll_loss", "targets", target, gx.shape()[1]);
  const std::int64_t* const classes = target.data<std::int64_t>();
  const std::int64_t class_stride = target.strides()[0];
  return visit_dtype<float, double>(gx.dtype(), [&]<typename T>() {
    const T* const gradient = g.data<T>();
    T* const out = gx.mutable_data<T>();
    const std::int64_t row_stride = gx.strides()[0], column_stride = gx.strides()[1];
    const std::int64_t gradient_stride = reduction == Reduction::none ? g.strides()[0] : 0;
    const T divisor = reduction == Reduction::mean ? static_cast<T>(rows) : T{1};
    const auto zero = [] { return T{0}; };
    map(loop_nest({&gx}), zero, out);
    for (std::int64_t n = 0; n < rows; ++n) {
      out[n * row_stride + classes[n * class_stride] * column_stride] =
          -gradient[n * gradient_stride] / divisor;
    }
  });
}

}  // namespace metron::METRON_ISA
