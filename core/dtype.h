// Element types. float16 and bfloat16 are storage types: kernels convert them to float to compute.
#pragma once

#include <metron/core/error.h>
#include <metron/core/host_device.h>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string_view>
#include <type_traits>

namespace metron {

enum class DType : std::uint8_t { float32, float64, float16, bfloat16, int64, uint8 };

namespace detail {
// Conversions take bits rather than references, so that loads and stores remain in the calling kernel.
float float_from_half(std::uint16_t bits);
std::uint16_t half_from_float(float value);

// x to float, rounded to odd: towards 0, with the last bit set if inexact. Rounding the result to nearest in
// a type of at most 22 bits equals rounding x, which rounding to nearest twice does not (Boldo and Melquiond,
// 2008).
METRON_HOST_DEVICE inline float rounded_to_odd(double x) {
  const float nearest = static_cast<float>(x);
  const double back = static_cast<double>(nearest);
  if (!(back < x || back > x)) return nearest;  // exact, or NaN
  const bool away = x < 0 ? back < x : back > x;
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(nearest) - (away ? 1u : 0u)) | 1u);
}

METRON_HOST_DEVICE inline std::uint16_t bfloat_from_float(float value) {
  const std::uint32_t f = std::bit_cast<std::uint32_t>(value);
  if ((f & 0x7fffffffu) > 0x7f800000u)  // quiet NaN: rounding could overflow it to infinity
    return static_cast<std::uint16_t>((f >> 16) | 0x40u);
  return static_cast<std::uint16_t>((f + 0x7fffu + ((f >> 16) & 1u)) >> 16);
}
}  // namespace detail

// IEEE 754 binary16, rounded to nearest even.
struct float16 {
  std::uint16_t bits = 0;
  float16() = default;
  METRON_HOST_DEVICE explicit float16(float value) {
#if defined(__CUDA_ARCH__)
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
#else
    bits = detail::half_from_float(value);
#endif
  }
  template <std::same_as<double> Double>  // of an integer, the other one is taken
  METRON_HOST_DEVICE explicit float16(Double value) : float16(detail::rounded_to_odd(value)) {}
  METRON_HOST_DEVICE explicit operator float() const {
#if defined(__CUDA_ARCH__)
    float value = 0;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
#else
    return detail::float_from_half(bits);
#endif
  }
  friend bool operator==(float16 a, float16 b) { return float(a) == float(b); }
};

// The upper half of a binary32, rounded to nearest even.
struct bfloat16 {
  std::uint16_t bits = 0;
  bfloat16() = default;
  METRON_HOST_DEVICE explicit bfloat16(float value) : bits(detail::bfloat_from_float(value)) {}
  template <std::same_as<double> Double>  // of an integer, the other one is taken
  METRON_HOST_DEVICE explicit bfloat16(Double value) : bfloat16(detail::rounded_to_odd(value)) {}
  METRON_HOST_DEVICE explicit operator float() const {
    return std::bit_cast<float>(std::uint32_t{bits} << 16);
  }
  friend bool operator==(bfloat16 a, bfloat16 b) { return float(a) == float(b); }
};

std::size_t size_of(DType dtype);              // bytes of one element
double rounded_to(DType dtype, double value);  // the nearest number of a floating dtype
const char* name_of(DType dtype);              // "float32"
inline bool is_floating(DType dtype) { return dtype <= DType::bfloat16; }
std::ostream& operator<<(std::ostream& out, DType dtype);

template <typename T>
inline constexpr DType dtype_of = [] {
  if constexpr (std::is_same_v<T, float>) return DType::float32;
  if constexpr (std::is_same_v<T, double>) return DType::float64;
  if constexpr (std::is_same_v<T, float16>) return DType::float16;
  if constexpr (std::is_same_v<T, bfloat16>) return DType::bfloat16;
  if constexpr (std::is_same_v<T, std::int64_t>) return DType::int64;
  if constexpr (std::is_same_v<T, std::uint8_t>) return DType::uint8;
}();

// Calls body.template operator()<T>() with the C++ type of `dtype`. Returns false if it is not one of Ts.
//   visit_dtype<float, double>(x.dtype(), [&]<typename T>() { kernel(x.data<T>(), ...); })
template <typename... Ts, typename Body>
bool visit_dtype(DType dtype, Body&& body) {
  return ((dtype == dtype_of<Ts> ? (body.template operator()<Ts>(), true) : false) || ...);
}

template <typename Body>
void visit_any_dtype(DType dtype, Body&& body) {
  visit_dtype<float, double, float16, bfloat16, std::int64_t, std::uint8_t>(dtype, body);
}

}  // namespace metron
