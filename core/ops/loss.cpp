// Losses.
#include <metron/core/ops/common.h>

namespace metron {
namespace {

Tensor pick(const Tensor& x, const Tensor& target, Reduction reduction);

// nll_loss is linear in x: this is its transpose, and it is this op's.
Tensor scatter(const Tensor& g, const Tensor& target, Reduction reduction, const Shape& x_shape) {
  Tensor gx = Tensor::empty(x_shape, g.options());
  kernel::nll_loss_backward(g, target, reduction, gx);
  record("nll_loss_backward", gx, {&g}, Backward::composite,
         [target = saved(target), reduction](const Tensor& gg) { return pick(gg, target.get(), reduction); });
  return gx;
}

Tensor pick(const Tensor& x, const Tensor& target, Reduction reduction) {
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
                    "x (N, C) and a target (N,) are wanted, got ", x.shape(), " and ", target.shape());
}

}  // namespace

Tensor nll_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  const OpScope scope("nll_loss");
  check_classification("nll_loss", x, target);
  return pick(x, target, reduction);
}

Tensor cross_entropy(const Tensor& x, const Tensor& target, Reduction reduction) {
  const OpScope scope("cross_entropy");
  check_classification("cross_entropy", x, target);
  return nll_loss(log_softmax(x, 1), target, reduction);
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
