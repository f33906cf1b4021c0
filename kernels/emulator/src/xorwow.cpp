// Skips of the generator xorwow: its step is linear over bits, so n steps are the n-th power of a matrix.
#include <array>
#include <memory>

#include "../include/emulated/random_generators.h"

namespace metron::emulator {

namespace {

constexpr std::size_t words = 5, bits = 32 * words, powers = 64 + 67;
using State = std::array<std::uint32_t, words>;
using Matrix = std::array<State, bits>;  // the images of the single bits

State step(State v) {
  const std::uint32_t t = v[0] ^ (v[0] >> 2);
  return {v[1], v[2], v[3], v[4], (v[4] ^ (v[4] << 4)) ^ (t ^ (t << 1))};
}

State product(const Matrix& matrix, const State& v) {
  State result{};
  for (std::size_t bit = 0; bit < bits; ++bit)
    if ((v[bit / 32] >> bit % 32 & 1) != 0)
      for (std::size_t word = 0; word < words; ++word) result[word] ^= matrix[bit][word];
  return result;
}

// The step's powers 2^0, 2^1, ...
const std::array<Matrix, powers>& step_powers() {
  static const auto all = [] {
    auto table = std::make_unique<std::array<Matrix, powers>>();
    for (std::size_t bit = 0; bit < bits; ++bit) {
      State single{};
      single[bit / 32] = 1u << bit % 32;
      (*table)[0][bit] = step(single);
    }
    for (std::size_t power = 1; power < powers; ++power)
      for (std::size_t bit = 0; bit < bits; ++bit)
        (*table)[power][bit] = product((*table)[power - 1], (*table)[power - 1][bit]);
    return table;
  }();
  return *all;
}

}  // namespace

void skip_xorwow(std::uint32_t (&state)[5], std::uint64_t n, int log2_unit) {
  if (n == 0) return;
  State v;
  for (std::size_t i = 0; i < words; ++i) v[i] = state[i];
  for (auto power = static_cast<std::size_t>(log2_unit); n != 0; ++power, n >>= 1)
    if ((n & 1) != 0) v = product(step_powers()[power], v);
  for (std::size_t i = 0; i < words; ++i) state[i] = v[i];
}

}  // namespace metron::emulator
