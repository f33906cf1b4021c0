// bfloat16: __nv_bfloat16, __nv_bfloat162 and their conversions.
#pragma once

#include "emulated/float16.h"

using __nv_bfloat16 = metron::emulator::Float16<metron::emulator::BrainFormat>;
using __nv_bfloat162 = metron::emulator::Float16x2<metron::emulator::BrainFormat>;
using nv_bfloat16 = __nv_bfloat16;
using nv_bfloat162 = __nv_bfloat162;
struct __nv_bfloat16_raw {
  unsigned short x;
};

constexpr float __bfloat162float(__nv_bfloat16 x) { return x; }
constexpr __nv_bfloat16 __float2bfloat16(float x) { return {x}; }
constexpr __nv_bfloat16 __float2bfloat16_rn(float x) { return {x}; }
constexpr __nv_bfloat16 __double2bfloat16(double x) { return {x}; }
constexpr __nv_bfloat16 __int2bfloat16_rn(int x) { return {x}; }
constexpr unsigned short __bfloat16_as_ushort(__nv_bfloat16 x) { return x.bits; }
constexpr __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits) { return __nv_bfloat16::of_bits(bits); }
constexpr __nv_bfloat162 __halves2bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) { return {x, y}; }
constexpr __nv_bfloat162 __bfloat162bfloat162(__nv_bfloat16 x) { return {x, x}; }
constexpr __nv_bfloat162 make_bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) { return {x, y}; }
constexpr __nv_bfloat162 __float2bfloat162_rn(float x) { return {x, x}; }
constexpr __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {x, y}; }
constexpr __nv_bfloat162 __float22bfloat162_rn(float2 v) { return {v.x, v.y}; }
constexpr float2 __bfloat1622float2(__nv_bfloat162 v) { return {v.x, v.y}; }
