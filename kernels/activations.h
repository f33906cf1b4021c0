// Activations whose formula takes more than an expression, accurate in their tails as well, for host and
// device. Errors are in units of the last place of the result, or of its larger term where terms cancel.
#pragma once

#include <metron/kernels/arithmetic.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace metron::functor {

// Unnamed, so that each instruction set this is compiled for gets its own copy (see cpu/cpu_kernels.h).
namespace {

// ---- Logistic function: 4 ulp, gradients 8 ulp ----

// g / (1 + e^-x); g e^x where e^-x would overflow and both are equal.
template <typename T>
METRON_HOST_DEVICE inline T logistic(T g, T x) {
  const bool in_tail = x < (std::is_same_v<T, float> ? T(-87) : T(-700));
  const T e = exponential(in_tail ? x : -x);
  return in_tail ? g * e : g / (1 + e);
}
// g times the derivative of the logistic function; without 1 - y, which cancels in the upper tail.
template <typename T>
METRON_HOST_DEVICE inline T logistic_gradient(T g, T x) {
  const T e = exponential(-std::abs(x));
  return g * (e / ((1 + e) * (1 + e)));
}
template <typename T>
METRON_HOST_DEVICE inline T hyperbolic_tangent_gradient(T g, T x) {
  const T e = exponential(-2 * std::abs(x));
  return g * (4 * e / ((1 + e) * (1 + e)));
}

// ---- Power: x^(a + rest), where rest is what a number of type T lost of the exponent: 3 ulp, gradient 8 ulp
// ----

template <typename T>
METRON_HOST_DEVICE inline T power_of(T x, T a, T rest) {
  const T y = std::pow(x, a);
  const bool is_regular = y > 0 && y < std::numeric_limits<T>::infinity() && x > 0;
  return rest != 0 && is_regular ? y + y * (rest * std::log(x)) : y;
}
template <typename T>
METRON_HOST_DEVICE inline T power_gradient(T g, T x, T a, T rest) {
  const T below = a - 1;
  return a == 0 && rest == 0 ? g * 0 : g * (a + rest) * power_of(x, below, (a - below) - 1 + rest);
}

// ---- GELU: x times the normal CDF. 8 ulp; float64 in the lower tail 40 ulp ----

// e^(-x^2 / 2) = 2^n (1 + m), and the normal CDF of -|x| divided by it. x^2 is not rounded: its head of 12
// bits has an exact square, and the rest is small.
struct GaussianTail {
  static constexpr float limit = 15;  // beyond, the CDF is below the smallest subnormal
  float z, quotient, one_plus_m;
  std::int32_t n;
  METRON_HOST_DEVICE explicit GaussianTail(float x) : z(x < 0 ? -x : x) {
    z = z < limit ? z : limit;
    const float head = std::bit_cast<float>(std::bit_cast<std::uint32_t>(z) & 0xfffff000u);
    ReducedExponent exponent(head * head * -0.5f);
    exponent.r -= (z - head) * (z + head) * 0.5f;
    n = exponent.n;
    one_plus_m = 1 + exponent.exponential_minus_one();
    // Half of t p(t), where p interpolates erfc(v) e^(v^2) / t at ten Chebyshev nodes of t = 1 / (1 + v / 3),
    // v = z / sqrt(2), to 6e-9.
    const float t = 1 / (1 + z * 0.23570226f);
    const float p = polynomial(t, 0.056972719f, -0.29896465f, 0.55177256f, -0.46262688f, 0.42142496f,
                               -0.011597774f, 0.19552027f, 0.1706917f, 0.18877608f, 0.18803101f);
    quotient = 0.5f * t * p;
  }
};

METRON_HOST_DEVICE inline float gaussian_error_linear(float x) {
  const GaussianTail tail(x);
  const std::int32_t half = tail.n >> 1;  // 2^n in two factors, the last of which rounds a subnormal result
  const float product =
      tail.z * tail.quotient * tail.one_plus_m * power_of_two(half) * power_of_two(tail.n - half);
  const float lower = x < -GaussianTail::limit ? x * 0 : -product;
  return x < 0 ? lower : x - product;
}

// g (CDF + x density); in the lower tail both terms have the factor e^(-x^2 / 2).
METRON_HOST_DEVICE inline float gaussian_error_linear_gradient(float g, float x) {
  const GaussianTail tail(x);
  const std::int32_t half = tail.n >> 1;
  const float slope = tail.z * 0.39894228f - tail.quotient;
  const float scaled = slope * tail.one_plus_m * power_of_two(half), rest = power_of_two(tail.n - half);
  const float not_finite = x * 0;  // NaN, where it is not 0
  return (x < 0 ? -scaled * g * rest : g * (1 + scaled * rest)) + not_finite;
}

// e^(-x^2 / 2), with the square in two parts as above.
METRON_HOST_DEVICE inline double gaussian(double x) {
  if (std::abs(x) >= 40) return 0;
  const double head = std::bit_cast<double>(std::bit_cast<std::uint64_t>(x) & ~std::uint64_t{0x7ffffff});
  return std::exp(head * head * -0.5) * std::exp((x - head) * (x + head) * -0.5);
}
METRON_HOST_DEVICE inline double normal_distribution(double x) {
  constexpr double factor = -0.70710678118654752440, factor_rest = 4.833646656726457e-17;  // -1 / sqrt(2)
  const double v = x * factor;
  const double tail = std::erfc(v);
  if (!(std::abs(x) < 40)) return 0.5 * tail;
  // What v lost by rounding, times the derivative of erfc.
  const double lost = std::fma(x, factor, -v) + x * factor_rest;
  return 0.5 * (tail - lost * 1.1283791670955126 * gaussian(x));
}
METRON_HOST_DEVICE inline double gaussian_error_linear(double x) { return x * normal_distribution(x); }
METRON_HOST_DEVICE inline double gaussian_error_linear_gradient(double g, double x) {
  return g * (normal_distribution(x) + x * 0.39894228040143267794 * gaussian(x));
}

}  // namespace
}  // namespace metron::functor
