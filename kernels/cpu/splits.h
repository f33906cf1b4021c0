// Sums over many terms as splits, each computed by one task and all added pairwise. Their number depends on
// the sizes alone, so that results do not depend on the number of threads.
#pragma once

#include <metron/kernels/cpu/vec.h>

#include <algorithm>

namespace metron::METRON_ISA {

inline constexpr Index most_splits = 32;

// Splits of `blocks` blocks of terms, of which one has at least `least_blocks`, if a split has `size` sums.
inline Index count_splits(Index blocks, Index least_blocks, Index size) {
  constexpr Index most_sums = 4 * 1024 * 1024;  // of all splits
  return std::clamp<Index>(std::min(blocks / least_blocks, most_sums / size), 1, most_splits);
}

// The sum of a vector of each of `count` splits, which are `stride` apart.
inline Vec<float> sum_of_splits(const float* values, Index stride, Index count) {
  Vec<float> value[most_splits];
  value[0] = load(values);
  for (Index i = 1; i < count; ++i) value[i] = load(values + i * stride);
  for (Index step = 1; step < count; step *= 2) {
    for (Index i = 0; i + step < count; i += 2 * step) value[i] += value[i + step];
  }
  return value[0];
}

}  // namespace metron::METRON_ISA
