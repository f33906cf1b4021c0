// The distributions of curand_kernel.h, those in double precision of XORWOW alone. Uniform numbers are those
// of cuRAND bit for bit, normal ones up to the accuracy of logarithm and sine.
#pragma once

#include <cmath>
#include <concepts>

#include "random_generators.h"

namespace metron::emulator {

template <class T>
concept RandomState = std::same_as<T, curandStateXORWOW> || std::same_as<T, curandStatePhilox4_32_10>;

inline float to_uniform(unsigned x) { return static_cast<float>(x) * 0x1p-32f + 0x1p-33f; }  // in (0, 1]
inline double to_uniform(unsigned x, unsigned y) {
  const unsigned long long bits = x ^ static_cast<unsigned long long>(y) << 21;
  return static_cast<double>(bits) * 0x1p-53 + 0x1p-54;
}
inline float2 box_muller(unsigned x, unsigned y) {
  const float radius = std::sqrt(-2 * std::log(to_uniform(x)));
  const float angle = static_cast<float>(y) * (0x1p-32f * 6.2831855f) + 0x1p-32f * 6.2831855f / 2;
  return {std::sin(angle) * radius, std::cos(angle) * radius};
}
inline double2 box_muller(unsigned x0, unsigned x1, unsigned y0, unsigned y1) {
  const double radius = std::sqrt(-2 * std::log(to_uniform(x0, x1)));
  const double angle = to_uniform(y0, y1) * 6.28318530717958647693;
  return {std::sin(angle) * radius, std::cos(angle) * radius};
}

}  // namespace metron::emulator

template <metron::emulator::RandomState State>
float curand_uniform(State* state) {
  return metron::emulator::to_uniform(curand(state));
}
inline double curand_uniform_double(curandStateXORWOW* state) {
  const unsigned x = curand(state), y = curand(state);
  return metron::emulator::to_uniform(x, y);
}
template <metron::emulator::RandomState State>
float2 curand_normal2(State* state) {
  const unsigned x = curand(state), y = curand(state);
  return metron::emulator::box_muller(x, y);
}
template <metron::emulator::RandomState State>
float curand_normal(State* state) {
  if (state->kept.has_single) {
    state->kept.has_single = false;
    return state->kept.single;
  }
  const float2 pair = curand_normal2(state);
  state->kept.has_single = true;
  state->kept.single = pair.y;
  return pair.x;
}
inline double2 curand_normal2_double(curandStateXORWOW* state) {
  const unsigned x0 = curand(state), x1 = curand(state), y0 = curand(state), y1 = curand(state);
  return metron::emulator::box_muller(x0, x1, y0, y1);
}
inline double curand_normal_double(curandStateXORWOW* state) {
  if (state->kept.has_double) {
    state->kept.has_double = false;
    return state->kept.double_precision;
  }
  const double2 pair = curand_normal2_double(state);
  state->kept.has_double = true;
  state->kept.double_precision = pair.y;
  return pair.x;
}
template <metron::emulator::RandomState State>
float curand_log_normal(State* state, float mean, float deviation) {
  return std::exp(mean + deviation * curand_normal(state));
}
inline double curand_log_normal_double(curandStateXORWOW* state, double mean, double deviation) {
  return std::exp(mean + deviation * curand_normal_double(state));
}
inline float4 curand_uniform4(curandStatePhilox4_32_10* state) {
  const uint4 x = curand4(state);
  using metron::emulator::to_uniform;
  return {to_uniform(x.x), to_uniform(x.y), to_uniform(x.z), to_uniform(x.w)};
}
inline float4 curand_normal4(curandStatePhilox4_32_10* state) {
  const uint4 x = curand4(state);
  const float2 a = metron::emulator::box_muller(x.x, x.y), b = metron::emulator::box_muller(x.z, x.w);
  return {a.x, a.y, b.x, b.y};
}
