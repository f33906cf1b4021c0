// The element-wise formulas, once for the host and the device. T is float or double; int64 too where noted.
#pragma once

#include <metron/core/options.h>
#include <metron/kernels/arithmetic.h>

#include <cmath>
#include <cstdint>
#include <type_traits>

namespace metron::functor {

// Unnamed, so that each instruction set that this is compiled for has its own (see cpu/cpu_kernels.h).
namespace {

// ---- Unary: y = f(x) ----

template <typename T>
struct Affine {
  T a, b;
  METRON_HOST_DEVICE T operator()(T x) const { return plus(times(a, x), b); }
};
template <typename T>
struct Power {
  T exponent;
  METRON_HOST_DEVICE T operator()(T x) const { return std::pow(x, exponent); }
};
template <typename T>
struct Square {
  METRON_HOST_DEVICE T operator()(T x) const { return x * x; }
};
template <typename T>
struct Reciprocal {
  METRON_HOST_DEVICE T operator()(T x) const { return 1 / x; }
};
template <typename T>
struct Exp {
  METRON_HOST_DEVICE T operator()(T x) const { return exponential(x); }
};
template <typename T>
struct Log {
  METRON_HOST_DEVICE T operator()(T x) const { return std::log(x); }
};
template <typename T>
struct Sqrt {
  METRON_HOST_DEVICE T operator()(T x) const { return std::sqrt(x); }
};
template <typename T>
struct Relu {
  METRON_HOST_DEVICE T operator()(T x) const { return x < 0 ? T{0} : x; }  // NaN stays
};
template <typename T>
struct Gelu {  // x times the normal distribution function, by erfc: accurate in the lower tail too
  METRON_HOST_DEVICE T operator()(T x) const {
    return x * T(0.5) * complementary_error(x * T(-0.70710678118654752440));
  }
};
template <typename T>
struct Sigmoid {
  METRON_HOST_DEVICE T operator()(T x) const { return 1 / (1 + exponential(-x)); }
};
template <typename T>
struct Tanh {
  METRON_HOST_DEVICE T operator()(T x) const { return hyperbolic_tangent(x); }
};
template <typename T>
struct Clamp {
  T low, high;
  METRON_HOST_DEVICE T operator()(T x) const {  // NaN stays
    const T raised = x < low ? low : x;
    return raised > high ? high : raised;
  }
};

// Calls body(functor) with the formula of f; T is a floating type.
template <typename T, typename Body>
void visit_unary(const Unary& f, const Body& body) {
  const T a = static_cast<T>(f.a), b = static_cast<T>(f.b);
  switch (f.op) {
    case UnaryOp::affine:
      return body(Affine<T>{a, b});
    case UnaryOp::power:
      if (f.a == 2) return body(Square<T>{});
      if (f.a == -1) return body(Reciprocal<T>{});
      return body(Power<T>{a});
    case UnaryOp::exp:
      return body(Exp<T>{});
    case UnaryOp::log:
      return body(Log<T>{});
    case UnaryOp::sqrt:
      return body(Sqrt<T>{});
    case UnaryOp::relu:
      return body(Relu<T>{});
    case UnaryOp::gelu:
      return body(Gelu<T>{});
    case UnaryOp::sigmoid:
      return body(Sigmoid<T>{});
    case UnaryOp::tanh:
      return body(Tanh<T>{});
    case UnaryOp::clamp:
      return body(Clamp<T>{a, b});
  }
}

// The same for int64, whose formulas are affine with whole numbers and clamp; returns whether f is one of
// them.
template <typename Body>
bool visit_integer_unary(const Unary& f, const Body& body) {
  using I = std::int64_t;
  if (f.op == UnaryOp::clamp && !is_nan(f.a) && !is_nan(f.b)) {
    body(Clamp<I>{convert<I>(std::ceil(f.a)), convert<I>(std::floor(f.b))});
    return true;
  }
  const auto is_whole = [](double x) { return std::floor(x) == x && std::abs(x) < 0x1p63; };
  if (f.op != UnaryOp::affine || !is_whole(f.a) || !is_whole(f.b)) return false;
  body(Affine<I>{static_cast<I>(f.a), static_cast<I>(f.b)});
  return true;
}

// ---- Gradients of the unary formulas: gx = g * f'(x), written in y = f(x) where that is simpler, else in x.
// ----

constexpr bool gradient_reads_output(UnaryOp op) {
  return op == UnaryOp::exp || op == UnaryOp::sqrt || op == UnaryOp::relu || op == UnaryOp::sigmoid ||
         op == UnaryOp::tanh;
}

template <typename T>
struct AffineGradient {
  T a;
  METRON_HOST_DEVICE T operator()(T g, T) const { return g * a; }
};
template <typename T>
struct PowerGradient {
  T exponent;
  METRON_HOST_DEVICE T operator()(T g, T x) const { return g * exponent * std::pow(x, exponent - 1); }
};
template <typename T>
struct SquareGradient {
  METRON_HOST_DEVICE T operator()(T g, T x) const { return 2 * g * x; }
};
template <typename T>
struct ReciprocalGradient {
  METRON_HOST_DEVICE T operator()(T g, T x) const { return -g / (x * x); }
};
template <typename T>
struct ExpGradient {
  METRON_HOST_DEVICE T operator()(T g, T y) const { return g * y; }
};
template <typename T>
struct LogGradient {
  METRON_HOST_DEVICE T operator()(T g, T x) const { return g / x; }
};
template <typename T>
struct SqrtGradient {
  METRON_HOST_DEVICE T operator()(T g, T y) const { return g / (2 * y); }
};
template <typename T>
struct ReluGradient {
  METRON_HOST_DEVICE T operator()(T g, T y) const { return y <= 0 ? T{0} : g; }
};
template <typename T>
struct GeluGradient {
  METRON_HOST_DEVICE T operator()(T g, T x) const {
    const T distribution = T(0.5) * complementary_error(x * T(-0.70710678118654752440));
    const T density = T(0.39894228040143267794) * exponential(x * x * T(-0.5));
    return g * (distribution + x * density);
  }
};
template <typename T>
struct SigmoidGradient {
  METRON_HOST_DEVICE T operator()(T g, T y) const { return g * y * (1 - y); }
};
template <typename T>
struct TanhGradient {
  METRON_HOST_DEVICE T operator()(T g, T y) const { return g * (1 - y * y); }
};
template <typename T>
struct ClampGradient {
  T low, high;
  METRON_HOST_DEVICE T operator()(T g, T x) const { return x >= low && x <= high ? g : T{0}; }
};

template <typename T, typename Body>
void visit_unary_gradient(const Unary& f, const Body& body) {
  const T a = static_cast<T>(f.a), b = static_cast<T>(f.b);
  switch (f.op) {
    case UnaryOp::affine:
      return body(AffineGradient<T>{a});
    case UnaryOp::power:
      if (f.a == 2) return body(SquareGradient<T>{});
      if (f.a == -1) return body(ReciprocalGradient<T>{});
      if (f.a == 0) return body(AffineGradient<T>{0});  // a constant, at x = 0 too
      return body(PowerGradient<T>{a});
    case UnaryOp::exp:
      return body(ExpGradient<T>{});
    case UnaryOp::log:
      return body(LogGradient<T>{});
    case UnaryOp::sqrt:
      return body(SqrtGradient<T>{});
    case UnaryOp::relu:
      return body(ReluGradient<T>{});
    case UnaryOp::gelu:
      return body(GeluGradient<T>{});
    case UnaryOp::sigmoid:
      return body(SigmoidGradient<T>{});
    case UnaryOp::tanh:
      return body(TanhGradient<T>{});
    case UnaryOp::clamp:
      return body(ClampGradient<T>{a, b});
  }
}

// ---- Binary, int64 too ----

template <typename T>
struct Add {
  METRON_HOST_DEVICE T operator()(T a, T b) const { return plus(a, b); }
};
template <typename T>
struct Subtract {
  METRON_HOST_DEVICE T operator()(T a, T b) const { return minus(a, b); }
};
template <typename T>
struct Multiply {
  METRON_HOST_DEVICE T operator()(T a, T b) const { return times(a, b); }
};
template <typename T>
struct Divide {  // floating alone
  METRON_HOST_DEVICE T operator()(T a, T b) const { return a / b; }
};
template <typename T>
struct Maximum {  // NaN if either is
  METRON_HOST_DEVICE T operator()(T a, T b) const { return a > b || is_nan(a) ? a : b; }
};
template <typename T>
struct Minimum {
  METRON_HOST_DEVICE T operator()(T a, T b) const { return a < b || is_nan(a) ? a : b; }
};

template <typename T, typename Body>
void visit_binary(BinaryOp op, const Body& body) {
  switch (op) {
    case BinaryOp::add:
      return body(Add<T>{});
    case BinaryOp::sub:
      return body(Subtract<T>{});
    case BinaryOp::mul:
      return body(Multiply<T>{});
    case BinaryOp::div:
      if constexpr (std::is_floating_point_v<T>) return body(Divide<T>{});
      return;
    case BinaryOp::maximum:
      return body(Maximum<T>{});
    case BinaryOp::minimum:
      return body(Minimum<T>{});
  }
}

// ---- Compare: any T that has an order ----

template <typename T>
struct Equal {
  METRON_HOST_DEVICE std::uint8_t operator()(T a, T b) const { return a == b; }
};
template <typename T>
struct NotEqual {
  METRON_HOST_DEVICE std::uint8_t operator()(T a, T b) const { return a != b; }
};
template <typename T>
struct Less {
  METRON_HOST_DEVICE std::uint8_t operator()(T a, T b) const { return a < b; }
};
template <typename T>
struct LessEqual {
  METRON_HOST_DEVICE std::uint8_t operator()(T a, T b) const { return a <= b; }
};

// a > b is b < a: of such a comparison the operands change places.
constexpr bool compares_swapped(CompareOp op) { return op == CompareOp::gt || op == CompareOp::ge; }

template <typename T, typename Body>
void visit_compare(CompareOp op, const Body& body) {
  switch (op) {
    case CompareOp::eq:
      return body(Equal<T>{});
    case CompareOp::ne:
      return body(NotEqual<T>{});
    case CompareOp::lt:
    case CompareOp::gt:
      return body(Less<T>{});
    case CompareOp::le:
    case CompareOp::ge:
      return body(LessEqual<T>{});
  }
}

}  // namespace
}  // namespace metron::functor
