// Loss functions.
#include <metron/core/ops/common.h>

namespace metron {
namespace {

Tensor gather(const Tensor& x, const Tensor& target, Reduction reduction);

// nll_loss is linear in x: gather computes it, scatter is the adjoint, and vice versa.
Tensor scatter(const Tensor& g, const Tensor& target, Reduction reduction, const Shape& x_shape) {
  Tensor gx = Tensor::empty(x_shape, g.options());
  kernel::nll_loss_backward(g, target, reduction, gx);
  record(
      "nll_loss_backward", gx, {&g}, Backward::composite,
      [target = saved(target), reduction](const Tensor& gg) { return gather(gg, target.get(), reduction); });
  return gx;
}

Tensor gather(const Tensor& x, const Tensor& target, Reduction reduction) {
  Tensor y = Tensor::empty(reduction == Reduction::none ? target.shape() : Shape(), x.options());
  kernel::nll_loss(x, target, reduction, y);
  record("nll_loss", y, {&x}, Backward::composite,
         [target = saved(target), reduction, x_shape = x.shape()](const Tensor& g) {
           return scatter(g, target.get(), reduction, x_shape);
         });
  return y;
}

void check_classification(const char* op, const Tensor& x, const Tensor& target) {
  detail::check_operands(op, {&x});
  detail::check_operands(op, {&target});
  detail::check_floating(op, x);
  check<DTypeError>(target.dtype() == DType::int64, op, "the target must be int64, got ", target.dtype(), ' ',
                    target.shape());
  check<ShapeError>(x.rank() == 2 && target.rank() == 1 && x.shape()[0] == target.shape()[0], op,
                    "expects x (N, C) and a target (N,), got ", x.shape(), " and ", target.shape());
}

}  // namespace

Tensor nll_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  const OpScope scope("nll_loss");
  check_classification("nll_loss", x, target);
  return gather(x, target, reduction);
}

Tensor cross_entropy(const Tensor& x, const Tensor& target, Reduction reduction) {
  const OpScope scope("cross_entropy");
  check_classification("cross_entropy", x, target);
  Tensor y = Tensor::empty(reduction == Reduction::none ? target.shape() : Shape(), x.options());
  const DType statistics_dtype = x.dtype() == DType::float64 ? DType::float64 : DType::float32;
  Tensor statistics = Tensor::empty({x.shape()[0], 2}, {statistics_dtype, x.device()});
  kernel::cross_entropy(x, target, reduction, statistics, y);
  record("cross_entropy", y, {&x}, Backward::composite,
         [x = saved(x), target = saved(target), statistics = saved(statistics), reduction](const Tensor& g) {
           const Tensor input = x.get();
           if (grad_enabled()) {
             const Tensor gy = scatter(g, target.get(), reduction, input.shape());
             return gy - softmax(input, 1) * sum(gy, {1}, true);
           }
           Tensor gx = Tensor::empty_like(input);
           kernel::cross_entropy_backward(g, input, target.get(), statistics.get(), reduction, gx);
           return gx;
         });
  return y;
}

Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  const OpScope scope("mse_loss");
  detail::check_operands("mse_loss", {&x, &target});
  detail::check_floating("mse_loss", x);
  check<ShapeError>(x.shape() == target.shape(), "mse_loss", "x and the target must have one shape, got ",
                    x.shape(), " and ", target.shape());
  const Tensor difference = sub(x, target);
  Tensor squares = mul(difference, difference);
  switch (reduction) {
    case Reduction::mean:
      return mean(squares);
    case Reduction::sum:
      return sum(squares);
    case Reduction::none:
      break;
  }
  return squares;
}

}  // namespace metron
