// IEEE half precision: __half, __half2 and their conversions.
#pragma once

#include "emulated/float16.h"

using __half = metron::emulator::Float16<metron::emulator::HalfFormat>;
using __half2 = metron::emulator::Float16x2<metron::emulator::HalfFormat>;
using half = __half;
using half2 = __half2;
struct __half_raw {
  unsigned short x;
};

constexpr float __half2float(__half x) { return x; }
constexpr __half __float2half(float x) { return {x}; }
constexpr __half __float2half_rn(float x) { return {x}; }
constexpr __half __double2half(double x) { return {x}; }
constexpr __half __int2half_rn(int x) { return {x}; }
constexpr unsigned short __half_as_ushort(__half x) { return x.bits; }
constexpr __half __ushort_as_half(unsigned short bits) { return __half::of_bits(bits); }
constexpr __half2 __halves2half2(__half x, __half y) { return {x, y}; }
constexpr __half2 __half2half2(__half x) { return {x, x}; }
constexpr __half2 make_half2(__half x, __half y) { return {x, y}; }
constexpr __half2 __float2half2_rn(float x) { return {x, x}; }
constexpr __half2 __floats2half2_rn(float x, float y) { return {x, y}; }
constexpr __half2 __float22half2_rn(float2 v) { return {v.x, v.y}; }
constexpr float2 __half22float2(__half2 v) { return {v.x, v.y}; }
