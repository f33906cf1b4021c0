// Element-wise functions of one tensor.
#include <metron/core/ops/common.h>

#include <numbers>

namespace metron {
namespace {

// Whether f'(x) is written in x; the others are written in y = f(x), so that x need not be kept.
bool derivative_reads_input(UnaryOp op) {
  return op == UnaryOp::power || op == UnaryOp::log || op == UnaryOp::gelu || op == UnaryOp::clamp;
}

// g * f'(x) by one kernel; `s` is x or y, whichever the derivative is written in.
Tensor fused_gradient(const Unary& f, const Tensor& g, const Tensor& s) {
  Tensor gx = Tensor::empty_like(s);
  kernel::unary_backward(f, g, s, s, gx);
  return gx;
}

// g * gelu'(x), differentiable: no other op gives Phi, and gelu''(x) = phi(x) * (2 - x^2).
Tensor gelu_gradient(const Tensor& g, const Tensor& x) {
  Tensor gx = fused_gradient({UnaryOp::gelu}, g, x);
  record("gelu_backward", gx, {&g, &x}, Backward::composite,
         [g = saved(g), x = saved(x)](const Tensor& gg, GradMask needed) {
           Gradients gradients(2);
           if (needed[0]) gradients[0] = gelu_gradient(gg, x.get());
           if (needed[1]) {
             const Tensor square = x.get() * x.get();
             const Tensor density =
                 exp(square * -0.5) * (0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2);
             gradients[1] = gg * g.get() * density * (2 - square);
           }
           return gradients;
         });
  return gx;
}

// g * f'(x) in public ops, `s` as above.
Tensor composite_gradient(const Unary& f, const Tensor& g, const Tensor& s) {
  switch (f.op) {
    case UnaryOp::affine:
      return g * f.a;
    case UnaryOp::power:
      return f.a == 0 ? g * 0.0 : g * pow(s, f.a - 1) * f.a;
    case UnaryOp::exp:
      return g * s;
    case UnaryOp::log:
      return g / s;
    case UnaryOp::sqrt:
      return g / s * 0.5;
    case UnaryOp::relu:
      return where(le(s, detail::scalar(0, s)), detail::scalar(0, g), g);  // as the kernel: g where s is NaN
    case UnaryOp::gelu:
      return gelu_gradient(g, s);
    case UnaryOp::sigmoid:
      return g * s * (1 - s);
    case UnaryOp::tanh:
      return g * (1 - s * s);
    case UnaryOp::clamp:
      return where(eq(s, clamp(s, f.a, f.b)), g, detail::scalar(0, g));
  }
  fail<ValueError>("unary", "unknown function ", static_cast<int>(f.op));
}

Tensor compute(const Unary& f, const Tensor& x) {
  Tensor y = Tensor::empty_like(x);
  kernel::unary(f, x, y);
  return y;
}

void record_gradient(const char* name, const Unary& f, const Tensor& x, Tensor& y) {
  record(name, y, {&x}, Backward::composite,
         [f, s = derivative_reads_input(f.op) ? saved(x) : saved_output(y)](const Tensor& g) {
           return grad_enabled() ? composite_gradient(f, g, s.get()) : fused_gradient(f, g, s.get());
         });
}

Tensor apply(const char* name, const Unary& f, const Tensor& x) {
  const OpScope scope(name);
  detail::check_operands(name, {&x});
  detail::check_floating(name, x);
  Tensor y = compute(f, x);
  record_gradient(name, f, x, y);
  return y;
}

}  // namespace

Tensor detail::relu_gradient(const Tensor& g, const Tensor& y) {
  const Unary f{UnaryOp::relu};
  return grad_enabled() ? composite_gradient(f, g, y) : fused_gradient(f, g, y);
}

Tensor affine(const Tensor& x, double scale, double shift) {
  const OpScope scope("affine");
  detail::check_operands("affine", {&x});
  detail::check_arithmetic("affine", x);
  detail::check_representable("affine", scale, x.dtype());
  detail::check_representable("affine", shift, x.dtype());
  Tensor y = compute({UnaryOp::affine, scale, shift}, x);
  record("affine", y, {&x}, Backward::composite, [scale](const Tensor& g) { return affine(g, scale, 0); });
  return y;
}

Tensor clamp(const Tensor& x, double low, double high) {
  const OpScope scope("clamp");
  detail::check_operands("clamp", {&x});
  detail::check_arithmetic("clamp", x);
  check<ValueError>(low <= high, "clamp", "the lower bound must not exceed the upper one, got ", low, " and ",
                    high);
  const Unary f{UnaryOp::clamp, low, high};
  Tensor y = compute(f, x);
  record_gradient("clamp", f, x, y);
  return y;
}

Tensor pow(const Tensor& x, double exponent) { return apply("pow", {UnaryOp::power, exponent}, x); }
Tensor exp(const Tensor& x) { return apply("exp", {UnaryOp::exp}, x); }
Tensor log(const Tensor& x) { return apply("log", {UnaryOp::log}, x); }
Tensor sqrt(const Tensor& x) { return apply("sqrt", {UnaryOp::sqrt}, x); }
Tensor relu(const Tensor& x) { return apply("relu", {UnaryOp::relu}, x); }
Tensor gelu(const Tensor& x) { return apply("gelu", {UnaryOp::gelu}, x); }
Tensor sigmoid(const Tensor& x) { return apply("sigmoid", {UnaryOp::sigmoid}, x); }
Tensor tanh(const Tensor& x) { return apply("tanh", {UnaryOp::tanh}, x); }

}  // namespace metron
