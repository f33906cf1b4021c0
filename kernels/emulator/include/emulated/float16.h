// The two 16-bit floating-point formats. Arithmetic rounds once: a product of two is exact in float, and for
// a sum, quotient or square root, rounding the float result again equals a single rounding.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "atomics.h"
#include "vector_types.h"

namespace metron::emulator {

// Rounds the magnitude bits of a float or double to nearest even, dropping `dropped` low bits.
template <class Bits>
constexpr Bits round_off(Bits magnitude, int dropped) {
  const Bits odd = magnitude >> dropped & 1;
  return (magnitude + ((Bits{1} << (dropped - 1)) - 1) + odd) >> dropped;
}

struct HalfFormat {  // 1 sign, 5 exponent, 10 fraction bits
  static constexpr std::uint16_t one = 0x3c00, infinity = 0x7c00, nan = 0x7fff;
  static constexpr std::uint16_t narrow(double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const auto sign = static_cast<std::uint16_t>(bits >> 48 & 0x8000);
    const std::uint64_t magnitude = bits & ~(1ull << 63);
    if (magnitude > 0x7ff0ull << 48) return nan;
    if (magnitude >= std::bit_cast<std::uint64_t>(65520.0)) return sign | infinity;
    if (magnitude >= std::bit_cast<std::uint64_t>(0x1p-14))  // normal: the exponent bias changes
      return sign | static_cast<std::uint16_t>(round_off(magnitude - (std::uint64_t{1023 - 15} << 52), 42));
    // Subnormal: adding 2^28 leaves a multiple of 2^-24 in the low bits, rounded by the addition.
    const double shifted = std::bit_cast<double>(magnitude) + 0x1p28;
    return sign | static_cast<std::uint16_t>(std::bit_cast<std::uint64_t>(shifted) & 0xffff);
  }
  static constexpr float widen(std::uint16_t bits) {
    const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16, magnitude = bits & 0x7fffu;
    if (magnitude >= infinity) return std::bit_cast<float>(sign | 0x7f800000u | magnitude << 13);
    // Scaling by 2^112 handles subnormals, too.
    const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(scaled));
  }
};

struct BrainFormat {  // the upper half of a float
  static constexpr std::uint16_t one = 0x3f80, infinity = 0x7f80, nan = 0x7fff;
  static constexpr std::uint16_t narrow(double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const auto sign = static_cast<std::uint16_t>(bits >> 48 & 0x8000);
    const std::uint64_t magnitude = bits & ~(1ull << 63);
    if (magnitude > 0x7ff0ull << 48) return nan;
    if (magnitude >= std::bit_cast<std::uint64_t>(0x1.ffp127)) return sign | infinity;
    if (magnitude >= std::bit_cast<std::uint64_t>(0x1p-126))
      return sign | static_cast<std::uint16_t>(round_off(magnitude - (std::uint64_t{1023 - 127} << 52), 45));
    const double shifted = std::bit_cast<double>(magnitude) + 0x1p-81;  // multiples of 2^-133
    return sign | static_cast<std::uint16_t>(std::bit_cast<std::uint64_t>(shifted) & 0xffff);
  }
  static constexpr float widen(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }
};

template <class Format>
struct Float16 {
  Float16() = default;
  template <class T>
  requires std::is_arithmetic_v<T>
  constexpr Float16(T x) : bits(Format::narrow(static_cast<double>(x))) {}
  constexpr operator float() const { return Format::widen(bits); }

  static constexpr Float16 of_bits(std::uint16_t bits) {
    Float16 x;
    x.bits = bits;
    return x;
  }
  friend constexpr Float16 operator+(Float16 a, Float16 b) {
    return {static_cast<float>(a) + static_cast<float>(b)};
  }
  friend constexpr Float16 operator-(Float16 a, Float16 b) {
    return {static_cast<float>(a) - static_cast<float>(b)};
  }
  friend constexpr Float16 operator*(Float16 a, Float16 b) {
    return {static_cast<float>(a) * static_cast<float>(b)};
  }
  friend constexpr Float16 operator/(Float16 a, Float16 b) {
    return {static_cast<float>(a) / static_cast<float>(b)};
  }
  constexpr Float16 operator-() const { return of_bits(bits ^ 0x8000); }
  constexpr Float16 operator+() const { return *this; }
  constexpr Float16& operator+=(Float16 b) { return *this = *this + b; }
  constexpr Float16& operator-=(Float16 b) { return *this = *this - b; }
  constexpr Float16& operator*=(Float16 b) { return *this = *this * b; }
  constexpr Float16& operator/=(Float16 b) { return *this = *this / b; }
  friend constexpr bool operator==(Float16 a, Float16 b) {
    return static_cast<float>(a) == static_cast<float>(b);
  }
  friend constexpr auto operator<=>(Float16 a, Float16 b) {
    return static_cast<float>(a) <=> static_cast<float>(b);
  }

  std::uint16_t bits;
};

template <class Format>
struct alignas(4) Float16x2 {
  Float16<Format> x, y;
  friend constexpr Float16x2 operator+(Float16x2 a, Float16x2 b) { return {a.x + b.x, a.y + b.y}; }
  friend constexpr Float16x2 operator-(Float16x2 a, Float16x2 b) { return {a.x - b.x, a.y - b.y}; }
  friend constexpr Float16x2 operator*(Float16x2 a, Float16x2 b) { return {a.x * b.x, a.y * b.y}; }
  friend constexpr Float16x2 operator/(Float16x2 a, Float16x2 b) { return {a.x / b.x, a.y / b.y}; }
  constexpr Float16x2& operator+=(Float16x2 b) { return *this = *this + b; }
};

}  // namespace metron::emulator

// Overloads common to both formats, as on a device.
template <class F>
constexpr metron::emulator::Float16<F> __hadd(metron::emulator::Float16<F> a,
                                              metron::emulator::Float16<F> b) {
  return a + b;
}
template <class F>
constexpr metron::emulator::Float16<F> __hsub(metron::emulator::Float16<F> a,
                                              metron::emulator::Float16<F> b) {
  return a - b;
}
template <class F>
constexpr metron::emulator::Float16<F> __hmul(metron::emulator::Float16<F> a,
                                              metron::emulator::Float16<F> b) {
  return a * b;
}
template <class F>
constexpr metron::emulator::Float16<F> __hdiv(metron::emulator::Float16<F> a,
                                              metron::emulator::Float16<F> b) {
  return a / b;
}
template <class F>
constexpr metron::emulator::Float16<F> __hneg(metron::emulator::Float16<F> a) {
  return -a;
}
template <class F>
constexpr metron::emulator::Float16<F> __habs(metron::emulator::Float16<F> a) {
  return metron::emulator::Float16<F>::of_bits(a.bits & 0x7fff);
}
// The product of two is exact in double, and the sum is far from any rounding boundary of the 16-bit format.
template <class F>
metron::emulator::Float16<F> __hfma(metron::emulator::Float16<F> a, metron::emulator::Float16<F> b,
                                    metron::emulator::Float16<F> c) {
  return {std::fma(static_cast<double>(static_cast<float>(a)), static_cast<double>(static_cast<float>(b)),
                   static_cast<double>(static_cast<float>(c)))};
}
template <class F>
constexpr bool __hisnan(metron::emulator::Float16<F> a) {
  return (a.bits & 0x7fff) > F::infinity;
}
template <class F>
constexpr int __hisinf(metron::emulator::Float16<F> a) {
  return (a.bits & 0x7fff) != F::infinity ? 0 : a.bits >> 15 ? -1 : 1;
}
template <class F>
constexpr bool __heq(metron::emulator::Float16<F> a, metron::emulator::Float16<F> b) {
  return a == b;
}
template <class F>
constexpr bool __hlt(metron::emulator::Float16<F> a, metron::emulator::Float16<F> b) {
  return a < b;
}
template <class F>
constexpr bool __hgt(metron::emulator::Float16<F> a, metron::emulator::Float16<F> b) {
  return a > b;
}
template <class F>
constexpr metron::emulator::Float16<F> __hmax(metron::emulator::Float16<F> a,
                                              metron::emulator::Float16<F> b) {
  return __hisnan(a) ? b : __hisnan(b) || b < a ? a : b;
}
template <class F>
constexpr metron::emulator::Float16<F> __hmin(metron::emulator::Float16<F> a,
                                              metron::emulator::Float16<F> b) {
  return __hisnan(a) ? b : __hisnan(b) || a < b ? a : b;
}
template <class F>
metron::emulator::Float16<F> hexp(metron::emulator::Float16<F> a) {
  return {std::exp(static_cast<float>(a))};
}
template <class F>
metron::emulator::Float16<F> hlog(metron::emulator::Float16<F> a) {
  return {std::log(static_cast<float>(a))};
}
template <class F>
metron::emulator::Float16<F> hsqrt(metron::emulator::Float16<F> a) {
  return {std::sqrt(static_cast<float>(a))};
}
template <class F>
metron::emulator::Float16<F> hrsqrt(metron::emulator::Float16<F> a) {
  return {1 / std::sqrt(static_cast<double>(static_cast<float>(a)))};
}

template <class F>
constexpr metron::emulator::Float16x2<F> __hadd2(metron::emulator::Float16x2<F> a,
                                                 metron::emulator::Float16x2<F> b) {
  return a + b;
}
template <class F>
constexpr metron::emulator::Float16x2<F> __hsub2(metron::emulator::Float16x2<F> a,
                                                 metron::emulator::Float16x2<F> b) {
  return a - b;
}
template <class F>
constexpr metron::emulator::Float16x2<F> __hmul2(metron::emulator::Float16x2<F> a,
                                                 metron::emulator::Float16x2<F> b) {
  return a * b;
}
template <class F>
metron::emulator::Float16x2<F> __hfma2(metron::emulator::Float16x2<F> a, metron::emulator::Float16x2<F> b,
                                       metron::emulator::Float16x2<F> c) {
  return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)};
}
template <class F>
constexpr metron::emulator::Float16<F> __low2half(metron::emulator::Float16x2<F> a) {
  return a.x;
}
template <class F>
constexpr metron::emulator::Float16<F> __high2half(metron::emulator::Float16x2<F> a) {
  return a.y;
}
template <class F>
constexpr float __low2float(metron::emulator::Float16x2<F> a) {
  return a.x;
}
template <class F>
constexpr float __high2float(metron::emulator::Float16x2<F> a) {
  return a.y;
}

// A pair is added by two atomic operations, one per half: not atomic as a whole, as on a device.
template <class F>
metron::emulator::Float16x2<F> atomicAdd(metron::emulator::Float16x2<F>* address,
                                         metron::emulator::Float16x2<F> value) {
  return {atomicAdd(&address->x, value.x), atomicAdd(&address->y, value.y)};
}

// The conversions of one format; names differ only in "half" and "bfloat16".
#define METRON_EMULATOR_FLOAT16(name, T, T2)                                 \
  constexpr float __##name##2float(T x) { return x; }                        \
  constexpr T __float2##name(float x) { return {x}; }                        \
  constexpr T __float2##name##_rn(float x) { return {x}; }                   \
  constexpr T __double2##name(double x) { return {x}; }                      \
  constexpr T __int2##name##_rn(int x) { return {x}; }                       \
  constexpr unsigned short __##name##_as_ushort(T x) { return x.bits; }      \
  constexpr T __ushort_as_##name(unsigned short x) { return T::of_bits(x); } \
  constexpr T2 __halves2##name##2(T x, T y) { return {x, y}; }               \
  constexpr T2 __##name##2##name##2(T x) { return {x, x}; }                  \
  constexpr T2 make_##name##2(T x, T y) { return {x, y}; }                   \
  constexpr T2 __float2##name##2_rn(float x) { return {x, x}; }              \
  constexpr T2 __floats2##name##2_rn(float x, float y) { return {x, y}; }    \
  constexpr T2 __float22##name##2_rn(float2 v) { return {v.x, v.y}; }        \
  constexpr float2 __##name##22float2(T2 v) { return {v.x, v.y}; }
