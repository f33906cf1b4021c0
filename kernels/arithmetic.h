// Building blocks of the kernels' formulas, for host and device: exp, wrapping integers, conversions.
#pragma once

#include <metron/core/dtype.h>
#include <metron/core/random.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace metron::functor {

// Unnamed, so that each instruction set this is compiled for gets its own copy (see cpu/cpu_kernels.h).
namespace {

// exp and tanh. The float versions for the host are branch-free, so that loops vectorize. Accurate to 3 ulp.
METRON_HOST_DEVICE inline double exponential(double x) { return std::exp(x); }
METRON_HOST_DEVICE inline double hyperbolic_tangent(double x) { return std::tanh(x); }

// Horner's scheme, highest power first. Without a loop, so that the caller's loops vectorize.
template <typename... Coefficients>
METRON_HOST_DEVICE inline float polynomial(float x, float value, Coefficients... coefficients) {
  ((value = value * x + coefficients), ...);
  return value;
}

// x = n ln 2 + r for an integer n and |r| <= ln 2 / 2, for |x| < 2^20.
struct ReducedExponent {
  std::int32_t n;
  float r;
  METRON_HOST_DEVICE explicit ReducedExponent(float x) {
    constexpr float round_to_whole = 0x1.8p23f;  // adding it rounds to an integer in the low bits
    const float shifted = x * 0x1.715476p0f + round_to_whole;
    const float whole = shifted - round_to_whole;
    n = std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(round_to_whole);
    r = (x - whole * 0x1.62e4p-1f) - whole * 0x1.7f7d1cp-20f;  // ln 2 in two parts
  }
  METRON_HOST_DEVICE float exponential_minus_one() const {  // e^r - 1 by its series
    return r * polynomial(r, 1 / 5040.f, 1 / 720.f, 1 / 120.f, 1 / 24.f, 1 / 6.f, 1 / 2.f, 1.f);
  }
};
METRON_HOST_DEVICE inline float power_of_two(std::int32_t n) {  // -127 < n < 128
  return std::bit_cast<float>((n + 127) << 23);
}

METRON_HOST_DEVICE inline float exponential(float x) {
#if defined(__CUDA_ARCH__)
  return std::exp(x);
#else
  const float bounded = x < -104.f ? -104.f : x > 89.f ? 89.f : x;  // beyond: 0 or infinity
  const ReducedExponent exponent(bounded);
  // In two factors, as 2^n may overflow where the result does not.
  const std::int32_t half = exponent.n >> 1;
  return (1 + exponent.exponential_minus_one()) * power_of_two(half) * power_of_two(exponent.n - half);
#endif
}

METRON_HOST_DEVICE inline float hyperbolic_tangent(float x) {  // m / (m + 2) with m = e^2x - 1
#if defined(__CUDA_ARCH__)
  return std::tanh(x);
#else
  const float bounded = x < -20.f ? -20.f : x > 20.f ? 20.f : x;
  const ReducedExponent exponent(2 * bounded);
  const float power = power_of_two(exponent.n);
  const float m = exponent.exponential_minus_one() * power + (power - 1);
  return m / (m + 2);
#endif
}

template <typename T>
METRON_HOST_DEVICE constexpr bool is_nan(T x) {
  return x != x;  // NOLINT(misc-redundant-expression): a NaN alone differs from itself
}

// Integers wrap around: computed in the unsigned type, where overflow is defined.
template <typename T>
METRON_HOST_DEVICE constexpr T plus(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
  } else {
    return a + b;
  }
}
template <typename T>
METRON_HOST_DEVICE constexpr T minus(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(a) - static_cast<U>(b));
  } else {
    return a - b;
  }
}
template <typename T>
METRON_HOST_DEVICE constexpr T times(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
  } else {
    return a * b;
  }
}

// An integer rounded to odd in float, as detail::rounded_to_odd.
METRON_HOST_DEVICE inline float rounded_to_odd(std::int64_t x) {
  const bool negative = x < 0;
  std::uint64_t magnitude = negative ? -static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(x);
  constexpr std::uint64_t low = 0x7ff;  // beyond the 53 bits of a double
  if (magnitude >> 53 != 0) magnitude = (magnitude & ~low) | ((magnitude & low) != 0 ? low + 1 : 0);
  const double exact = static_cast<double>(magnitude);
  return detail::rounded_to_odd(negative ? -exact : exact);
}

// To a floating type: rounded to nearest. To an integer: truncating, saturating, NaN to 0; a wider integer is
// truncated to its low bits.
template <typename To, typename From>
METRON_HOST_DEVICE inline To convert(From x) {
  constexpr bool from_half = std::is_same_v<From, float16> || std::is_same_v<From, bfloat16>;
  constexpr bool to_half = std::is_same_v<To, float16> || std::is_same_v<To, bfloat16>;
  if constexpr (std::is_same_v<To, From>) {
    return x;
  } else if constexpr (from_half) {
    return convert<To>(static_cast<float>(x));
  } else if constexpr (to_half && std::is_same_v<From, double>) {
    return To(x);
  } else if constexpr (to_half && std::is_same_v<From, std::int64_t>) {
    return To(rounded_to_odd(x));
  } else if constexpr (to_half) {
    return To(static_cast<float>(x));
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    constexpr From low = static_cast<From>((std::numeric_limits<To>::min)());
    constexpr From high =
        static_cast<From>((std::numeric_limits<To>::max)());  // of int64: rounded up to 2^63
    if (is_nan(x)) return To{0};
    return x <= low    ? (std::numeric_limits<To>::min)()
           : x >= high ? (std::numeric_limits<To>::max)()
                       : static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

}  // namespace
}  // namespace metron::functor
