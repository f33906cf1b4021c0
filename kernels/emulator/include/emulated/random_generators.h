// The generators of curand_kernel.h. Their states are the program's variables.
#pragma once

#include <cstdint>

#include "vector_types.h"

namespace metron::emulator {

// Normal numbers come in pairs: the second one is kept for the next call.
struct KeptNormals {
  bool has_single = false, has_double = false;
  float single = 0;
  double double_precision = 0;
};

// Marsaglia's xorwow: advances the five words by n * 2^log2_unit steps.
void skip_xorwow(std::uint32_t (&words)[5], std::uint64_t n, int log2_unit);

}  // namespace metron::emulator

struct curandStateXORWOW {
  unsigned d, v[5];
  metron::emulator::KeptNormals kept;
};
using curandStateXORWOW_t = curandStateXORWOW;
using curandState = curandStateXORWOW;
using curandState_t = curandStateXORWOW;

struct curandStatePhilox4_32_10 {
  uint4 counter, output;
  uint2 key;
  unsigned used;  // words of the output
  metron::emulator::KeptNormals kept;
};
using curandStatePhilox4_32_10_t = curandStatePhilox4_32_10;

inline void skipahead(unsigned long long n, curandStateXORWOW* state) {
  metron::emulator::skip_xorwow(state->v, n, 0);
  state->d += 362437u * static_cast<unsigned>(n);
}
inline void skipahead_sequence(unsigned long long n, curandStateXORWOW* state) {
  metron::emulator::skip_xorwow(state->v, n, 67);  // which leaves the Weyl sequence where it is
}
inline void curand_init(unsigned long long seed, unsigned long long subsequence, unsigned long long offset,
                        curandStateXORWOW* state) {
  const unsigned low = static_cast<unsigned>(seed) ^ 0xaad26b49u,
                 high = static_cast<unsigned>(seed >> 32) ^ 0xf7dcefddu;
  const unsigned a = 1099087573u * low, b = 2591861531u * high;
  *state = {
      6615241u + b + a, {123456789u + a, 362436069u ^ a, 521288629u + b, 88675123u ^ b, 5783321u + a}, {}};
  skipahead_sequence(subsequence, state);
  skipahead(offset, state);
}
inline unsigned curand(curandStateXORWOW* state) {
  unsigned(&v)[5] = state->v;
  const unsigned t = v[0] ^ (v[0] >> 2);
  v[0] = v[1];
  v[1] = v[2];
  v[2] = v[3];
  v[3] = v[4];
  v[4] = (v[4] ^ (v[4] << 4)) ^ (t ^ (t << 1));
  state->d += 362437u;
  return v[4] + state->d;
}

namespace metron::emulator {

inline uint4 philox_10(uint4 counter, uint2 key) {
  for (int round = 0; round < 10; ++round) {
    const auto even = static_cast<std::uint64_t>(0xd2511f53u) * counter.x,
               odd = static_cast<std::uint64_t>(0xcd9e8d57u) * counter.z;
    counter = {static_cast<unsigned>(odd >> 32) ^ counter.y ^ key.x, static_cast<unsigned>(odd),
               static_cast<unsigned>(even >> 32) ^ counter.w ^ key.y, static_cast<unsigned>(even)};
    key = {key.x + 0x9e3779b9u, key.y + 0xbb67ae85u};
  }
  return counter;
}
inline void add(unsigned& low, unsigned& high, unsigned long long n, bool& carry) {
  const std::uint64_t sum = (static_cast<std::uint64_t>(high) << 32 | low) + n;
  carry = sum < n;
  low = static_cast<unsigned>(sum);
  high = static_cast<unsigned>(sum >> 32);
}
inline void advance(curandStatePhilox4_32_10& state, unsigned long long blocks) {
  bool carry = false;
  add(state.counter.x, state.counter.y, blocks, carry);
  if (carry) add(state.counter.z, state.counter.w, 1, carry);
  state.output = philox_10(state.counter, state.key);
}

}  // namespace metron::emulator

inline void skipahead(unsigned long long n, curandStatePhilox4_32_10* state) {
  state->used += static_cast<unsigned>(n & 3);
  n /= 4;
  if (state->used > 3) {
    ++n;
    state->used -= 4;
  }
  metron::emulator::advance(*state, n);
}
inline void skipahead_sequence(unsigned long long n, curandStatePhilox4_32_10* state) {
  bool carry = false;
  metron::emulator::add(state->counter.z, state->counter.w, n, carry);
  state->output = metron::emulator::philox_10(state->counter, state->key);
}
inline void curand_init(unsigned long long seed, unsigned long long subsequence, unsigned long long offset,
                        curandStatePhilox4_32_10* state) {
  *state = {{}, {}, {static_cast<unsigned>(seed), static_cast<unsigned>(seed >> 32)}, 0, {}};
  skipahead_sequence(subsequence, state);
  skipahead(offset, state);
}
inline unsigned curand(curandStatePhilox4_32_10* state) {
  const uint4 output = state->output;
  const unsigned result = state->used == 0   ? output.x
                          : state->used == 1 ? output.y
                          : state->used == 2 ? output.z
                                             : output.w;
  if (++state->used == 4) {
    metron::emulator::advance(*state, 1);
    state->used = 0;
  }
  return result;
}
// Four at once: the next ones, which may be of two outputs.
inline uint4 curand4(curandStatePhilox4_32_10* state) {
  uint4 result;
  result.x = curand(state);
  result.y = curand(state);
  result.z = curand(state);
  result.w = curand(state);
  return result;
}
