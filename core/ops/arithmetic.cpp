// Element-wise binary arithmetic.
#include <metron/core/ops/common.h>

namespace metron {
namespace {

Tensor compute(const char* name, BinaryOp op, const Tensor& a, const Tensor& b) {
  detail::check_operands(name, {&a, &b});
  op == BinaryOp::div ? detail::check_floating(name, a) : detail::check_arithmetic(name, a);
  const Shape shape = broadcast_shapes(name, a.shape(), b.shape());
  Tensor y = detail::empty_result(shape, a.dtype(), a, b);
  kernel::binary(op, detail::broadcast_to(a, shape), detail::broadcast_to(b, shape), y);
  return y;
}

// Element-wise maximum or minimum. The gradient goes to the selected operand; ties split it evenly. Next to a
// NaN both operands have it, as in PyTorch: no comparison rules either out.
Tensor extremum(const char* name, BinaryOp op, const Tensor& a, const Tensor& b) {
  const OpScope scope(name);
  Tensor y = compute(name, op, a, b);
  record(name, y, {&a, &b}, Backward::composite,
         [op, a = saved(a), b = saved(b)](const Tensor& g, GradMask needed) {
           const Tensor zero = detail::scalar(0, g);
           const Tensor shared = where(eq(a.get(), b.get()), g * 0.5, g);
           const bool largest = op == BinaryOp::maximum;
           const auto unless = [&](const Tensor& excluded) { return where(excluded, zero, shared); };
           const Tensor x = a.get(), z = b.get();
           return Gradients{needed[0] ? unless(largest ? lt(x, z) : gt(x, z)) : Tensor(),
                            needed[1] ? unless(largest ? gt(x, z) : lt(x, z)) : Tensor()};
         });
  return y;
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  const OpScope scope("add");
  Tensor y = compute("add", BinaryOp::add, a, b);
  record("add", y, {&a, &b}, Backward::composite, [](const Tensor& g, GradMask) { return Gradients{g, g}; });
  return y;
}

Tensor sub(const Tensor& a, const Tensor& b) {
  const OpScope scope("sub");
  Tensor y = compute("sub", BinaryOp::sub, a, b);
  record("sub", y, {&a, &b}, Backward::composite, [](const Tensor& g, GradMask needed) {
    return Gradients{g, needed[1] ? -g : Tensor()};
  });
  return y;
}

Tensor mul(const Tensor& a, const Tensor& b) {
  const OpScope scope("mul");
  Tensor y = compute("mul", BinaryOp::mul, a, b);
  record("mul", y, {&a, &b}, Backward::composite,
         [a = saved(a), b = saved(b)](const Tensor& g, GradMask needed) {
           return Gradients{needed[0] ? g * b.get() : Tensor(), needed[1] ? g * a.get() : Tensor()};
         });
  return y;
}

Tensor div(const Tensor& a, const Tensor& b) {
  const OpScope scope("div");
  Tensor y = compute("div", BinaryOp::div, a, b);
  record("div", y, {&a, &b}, Backward::composite,
         [b = saved(b), y = saved_output(y)](const Tensor& g, GradMask needed) {
           const Tensor ga = g / b.get();
           return Gradients{ga, needed[1] ? -(ga * y.get()) : Tensor()};
         });
  return y;
}

Tensor maximum(const Tensor& a, const Tensor& b) { return extremum("maximum", BinaryOp::maximum, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return extremum("minimum", BinaryOp::minimum, a, b); }

}  // namespace metron
