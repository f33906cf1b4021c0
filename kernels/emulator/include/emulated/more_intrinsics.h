// Device functions that Metron's own kernels do not use.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "intrinsics.h"

// Conversions: a value out of range becomes the nearest one, NaN becomes 0.
namespace metron::emulator {
template <class Integer, class Real>
Integer saturated(Real x) {
  if (x != x) return 0;
  constexpr auto least = std::numeric_limits<Integer>::min(), most = std::numeric_limits<Integer>::max();
  if (x <= static_cast<Real>(least)) return least;
  if (x >= static_cast<Real>(most)) return most;
  return static_cast<Integer>(x);
}
}  // namespace metron::emulator

inline int __double2int_rn(double x) { return metron::emulator::saturated<int>(std::nearbyint(x)); }
inline int __double2int_rz(double x) { return metron::emulator::saturated<int>(x); }
inline int __double2int_rd(double x) { return metron::emulator::saturated<int>(std::floor(x)); }
inline int __double2int_ru(double x) { return metron::emulator::saturated<int>(std::ceil(x)); }
inline unsigned __double2uint_rn(double x) {
  return metron::emulator::saturated<unsigned>(std::nearbyint(x));
}
inline unsigned __double2uint_rz(double x) { return metron::emulator::saturated<unsigned>(x); }
inline unsigned __float2uint_rz(float x) { return metron::emulator::saturated<unsigned>(x); }
inline unsigned __float2uint_rd(float x) { return metron::emulator::saturated<unsigned>(std::floor(x)); }
inline unsigned __float2uint_ru(float x) { return metron::emulator::saturated<unsigned>(std::ceil(x)); }
inline long long __float2ll_rn(float x) { return metron::emulator::saturated<long long>(std::nearbyint(x)); }
inline long long __float2ll_rz(float x) { return metron::emulator::saturated<long long>(x); }
inline unsigned long long __float2ull_rn(float x) {
  return metron::emulator::saturated<unsigned long long>(std::nearbyint(x));
}
inline long long __double2ll_rn(double x) {
  return metron::emulator::saturated<long long>(std::nearbyint(x));
}
inline long long __double2ll_rz(double x) { return metron::emulator::saturated<long long>(x); }
inline unsigned long long __double2ull_rn(double x) {
  return metron::emulator::saturated<unsigned long long>(std::nearbyint(x));
}
inline float __double2float_rn(double x) { return static_cast<float>(x); }
inline double __int2double_rn(int x) { return x; }
inline double __uint2double_rn(unsigned x) { return x; }
inline double __ll2double_rn(long long x) { return static_cast<double>(x); }
inline double __ull2double_rn(unsigned long long x) { return static_cast<double>(x); }
inline float __ull2float_rn(unsigned long long x) { return static_cast<float>(x); }

inline double __hiloint2double(int high, int low) {
  return __longlong_as_double(static_cast<long long>(
      static_cast<std::uint64_t>(static_cast<unsigned>(high)) << 32 | static_cast<unsigned>(low)));
}
inline int __double2hiint(double x) { return static_cast<int>(__double_as_longlong(x) >> 32); }
inline int __double2loint(double x) { return static_cast<int>(__double_as_longlong(x)); }

inline double __dsub_rn(double a, double b) { return a - b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __dsqrt_rn(double x) { return std::sqrt(x); }
inline double __drcp_rn(double x) { return 1 / x; }

inline int __mul24(int a, int b) {
  const auto low = [](int x) { return static_cast<int>(static_cast<unsigned>(x) << 8) >> 8; };
  return static_cast<int>(static_cast<std::int64_t>(low(a)) * low(b));
}
inline unsigned __umul24(unsigned a, unsigned b) { return (a & 0xffffff) * (b & 0xffffff); }
inline unsigned __sad(int a, int b, unsigned c) {
  return c + static_cast<unsigned>(a > b ? std::int64_t{a} - b : std::int64_t{b} - a);
}
inline unsigned __usad(unsigned a, unsigned b, unsigned c) { return c + (a > b ? a - b : b - a); }
inline int __hadd(int a, int b) { return static_cast<int>((std::int64_t{a} + b) >> 1); }
inline int __rhadd(int a, int b) { return static_cast<int>((std::int64_t{a} + b + 1) >> 1); }
inline unsigned __uhadd(unsigned a, unsigned b) { return static_cast<unsigned>((std::uint64_t{a} + b) >> 1); }
inline unsigned __urhadd(unsigned a, unsigned b) {
  return static_cast<unsigned>((std::uint64_t{a} + b + 1) >> 1);
}
inline unsigned long long __brevll(unsigned long long x) {
  return static_cast<unsigned long long>(__brev(static_cast<unsigned>(x))) << 32 |
         __brev(static_cast<unsigned>(x >> 32));
}
inline unsigned __byte_perm(unsigned a, unsigned b, unsigned selector) {
  const std::uint64_t bytes = static_cast<std::uint64_t>(b) << 32 | a;
  unsigned result = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned choice = selector >> (4 * i) & 15;
    const auto byte = static_cast<unsigned>(bytes >> (8 * (choice & 7)) & 255);
    result |= ((choice & 8) != 0 ? (byte >> 7 != 0 ? 255u : 0u) : byte) << (8 * i);
  }
  return result;
}
inline int __dp4a(int a, int b, int c) {
  for (int shift = 0; shift < 32; shift += 8)
    c += static_cast<std::int8_t>(a >> shift) * static_cast<std::int8_t>(b >> shift);
  return c;
}
inline unsigned __dp4a(unsigned a, unsigned b, unsigned c) {
  for (int shift = 0; shift < 32; shift += 8) c += (a >> shift & 255) * (b >> shift & 255);
  return c;
}
inline unsigned __funnelshift_lc(unsigned low, unsigned high, unsigned shift) {
  return shift >= 32 ? low : __funnelshift_l(low, high, shift);
}
inline unsigned __funnelshift_rc(unsigned low, unsigned high, unsigned shift) {
  return shift >= 32 ? high : __funnelshift_r(low, high, shift);
}

inline float fdividef(float a, float b) { return a / b; }
inline float sinpif(float x) {
  return static_cast<float>(std::sin(3.14159265358979323846 * std::fmod(x, 2.0)));
}
inline float cospif(float x) {
  return static_cast<float>(std::cos(3.14159265358979323846 * std::fmod(x, 2.0)));
}
inline double sinpi(double x) { return std::sin(3.14159265358979323846 * std::fmod(x, 2.0)); }
inline double cospi(double x) { return std::cos(3.14159265358979323846 * std::fmod(x, 2.0)); }
inline double normcdf(double x) { return 0.5 * std::erfc(x * -0.70710678118654752440); }
inline double rcbrt(double x) { return 1 / std::cbrt(x); }
inline float __tanhf(float x) { return std::tanh(x); }
inline float norm3df(float a, float b, float c) { return std::sqrt(a * a + b * b + c * c); }
inline float rnorm3df(float a, float b, float c) { return 1 / norm3df(a, b, c); }
inline float rhypotf(float a, float b) { return 1 / std::hypot(a, b); }
inline unsigned umin(unsigned a, unsigned b) { return std::min(a, b); }
inline unsigned umax(unsigned a, unsigned b) { return std::max(a, b); }
inline long long llmin(long long a, long long b) { return std::min(a, b); }
inline long long llmax(long long a, long long b) { return std::max(a, b); }
