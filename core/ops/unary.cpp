// Element-wise unary functions.
#include <metron/core/ops/common.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace metron {
namespace {

// g * f'(x) in one kernel. `s` is x or y, whichever the derivative reads.
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

// g * f'(x) as public ops, with `s` as above.
Tensor composite_gradient(const Unary& f, const Tensor& g, const Tensor& s) {
  using detail::scalar;
  [[maybe_unused]] const double a = f.a, b = f.b;
  switch (f.op) {
#define METRON_UNARY(name, saved, value, derivative, gradient)                         \
  case UnaryOp::name: {                                                                \
    [[maybe_unused]] const Tensor& saved = s; /* NOLINT(bugprone-macro-parentheses) */ \
    return gradient;                                                                   \
  }
#define METRON_UNARY_WITH(name, saved, value, derivative, gradient) \
  METRON_UNARY(name, saved, value, derivative, gradient)
#include <metron/core/formulas.def>
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
         [f, s = derivative_reads_output(f.op) ? saved_output(y) : saved(x)](const Tensor& g) {
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

bool holds_an_integer(double low, double high) {
  return std::ceil(low) <= std::floor(high) && low < 0x1p63 && high >= -0x1p63;
}

// The part of an exponent that a float doesn't hold.
double lost_by_float(double exponent, const Tensor& x) {
  const bool fits = std::abs(exponent) <= std::numeric_limits<float>::max();
  if (!x.defined() || x.dtype() == DType::float64 || !fits) return 0;
  return exponent - static_cast<double>(static_cast<float>(exponent));
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

Tensor div(const Tensor& x, double divisor) {
  const OpScope scope("div");
  detail::check_operands("div", {&x});
  detail::check_floating("div", x);
  Tensor y = compute({UnaryOp::divide_by, divisor}, x);
  record("div", y, {&x}, Backward::composite, [divisor](const Tensor& g) { return div(g, divisor); });
  return y;
}

Tensor div(double dividend, const Tensor& x) { return apply("div", {UnaryOp::divide_into, dividend}, x); }

Tensor clamp(const Tensor& x, double low, double high) {
  const OpScope scope("clamp");
  detail::check_operands("clamp", {&x});
  detail::check_arithmetic("clamp", x);
  check<ValueError>(low <= high, "clamp", "the lower bound must not exceed the upper one, got ", low, " and ",
                    high);
  check<ValueError>(x.dtype() != DType::int64 || holds_an_integer(low, high), "clamp",
                    "an int64 must lie between the bounds, got ", low, " and ", high);
  const Unary f{UnaryOp::clamp, rounded_to(x.dtype(), low), rounded_to(x.dtype(), high)};
  Tensor y = compute(f, x);
  record_gradient("clamp", f, x, y);
  return y;
}

Tensor pow(const Tensor& x, double exponent) {
  if (exponent == 2) return apply("pow", {UnaryOp::square}, x);
  if (exponent == -1) return apply("pow", {UnaryOp::reciprocal}, x);
  return apply("pow", {UnaryOp::power, exponent, lost_by_float(exponent, x)}, x);
}

#define METRON_UNARY(name, ...) \
  Tensor name(const Tensor& x) { return apply(#name, {UnaryOp::name}, x); }
#include <metron/core/formulas.def>

}  // namespace metron
