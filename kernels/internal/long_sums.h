// How many terms a kernel may add one by one, and a library.
//
// A running sum of n equal terms is off by at most 3/8 n u, relative, where u = 2^-24 is the unit roundoff of
// float: an addition errs by u times the power of two below the partial sum, half the binades before it by
// half as much, and so on. Random terms of one sign err less. Kernels add chains of at most 256 terms, at
// most 64 chains one by one, and whatever is longer pairwise, in double, or once more in chains of 64. That
// is at most 256 + 64 + 64 + a tree: 3/8 * 400 u = 9e-6. Every sum of a float32 op is within 1e-5 at any
// length.
#pragma once

#include <metron/core/dtype.h>

#include <cstdint>
#include <limits>

namespace metron {

inline constexpr std::int64_t chain_length = 256;
inline constexpr std::int64_t chain_count = 64;
// The longest sum of two levels: chains of terms, and a chain of their sums.
inline constexpr std::int64_t max_chained_terms = chain_length * chain_count;

// The longest sum that a library may compute, whose order is unknown: one chain at worst, so that 3/8 n u is
// at most 1e-5. The rounding of a 16-bit result hides longer chains: 3/8 n u is at most 2^-12, half its unit
// roundoff. Sums in double have no limit.
inline std::int64_t max_library_terms(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return 447;
    case DType::float16:
    case DType::bfloat16:
      return 10922;
    default:
      return std::numeric_limits<std::int64_t>::max();
  }
}
inline bool library_may_sum(std::int64_t terms, DType dtype) { return terms <= max_library_terms(dtype); }
// Of a row or channel that a library reduces on the GPU: by a warp at least, each of whose lanes adds a
// chain.
inline bool library_may_reduce(std::int64_t terms, DType dtype) {
  return terms / 32 <= max_library_terms(dtype);
}

}  // namespace metron
