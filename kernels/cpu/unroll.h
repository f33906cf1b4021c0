// Loops that are unrolled before the compiler assigns registers, so that arrays of vectors are registers
// throughout.
#pragma once

#include <metron/kernels/cpu/vec.h>

#include <utility>

namespace metron::METRON_ISA {

// Calls body(i) for i = 0, 1, ..., n - 1, each i a constant.
template <int n, typename Body>
[[gnu::always_inline]] inline void unrolled(const Body& body) {
  [&]<int... i>(std::integer_sequence<int, i...>) __attribute__((always_inline)) {
    (body(std::integral_constant<int, i>()), ...);
  }
  (std::make_integer_sequence<int, n>());
}

// The sums of a register tile: rows x 2 vectors.
template <int rows>
struct TileSums {
  Vec<float> left[rows], right[rows];

  [[gnu::always_inline]] void clear() {
    unrolled<rows>([&](auto i) __attribute__((always_inline)) {
      left[i] = Vec<float>{};
      right[i] = Vec<float>{};
    });
  }
  // Adds the products of a column of `rows` factors, `step` apart, and a row of two vectors.
  [[gnu::always_inline]] void add(const float* factors, Index step, const float* row) {
    const Vec<float> first = load(row), second = load(row + vec_lanes<float>);
    unrolled<rows>([&](auto i) __attribute__((always_inline)) {
      left[i] += factors[i * step] * first;
      right[i] += factors[i * step] * second;
    });
  }
  // Calls body(i, j, sum) for row i and the vector at column j.
  template <typename Body>
  [[gnu::always_inline]] void for_each(const Body& body) const {
    unrolled<rows>([&](auto i) __attribute__((always_inline)) {
      body(i, 0, left[i]);
      body(i, vec_lanes<float>, right[i]);
    });
  }
};

}  // namespace metron::METRON_ISA
