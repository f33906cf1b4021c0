// How many terms a kernel may add one by one, and a library.
//
// A running sum of n equal terms is off by at most 3/8 n u, relative, where u = 2^-24 is the unit roundoff of
// float: an addition errs by u times the power of two below the partial sum, half the binades before it by
// half as much, and so on. Random terms of one sign err less. Our kernels add chains of at most 256
// terms, at most 64 chains one by one, and whatever is longer pairwise, in double, or once more in chains of
// 64. That is at most 256 + 64 + 64 + a tree: 3/8 * 400 u = 9e-6. Every sum of a float32 op that they compute
// is within 1e-5 at any length.
#pragma once

#include <metron/core/dtype.h>

#include <cstdint>

namespace metron {

inline constexpr std::int64_t chain_length = 256;
inline constexpr std::int64_t chain_count = 64;
// The longest sum of two levels: chains of terms, and a chain of their sums.
inline constexpr std::int64_t max_chained_terms = chain_length * chain_count;

// The longest float32 sum that a library may compute on the CPU, whose order is unknown: one chain at worst,
// so that 3/8 n u is at most 1e-5.
inline constexpr std::int64_t max_library_terms = 447;

// On the GPU, where declining costs more: what a plain loop may sum, measured.
//
//   terms   random in [0, 1), of 2048 sums   equal, of 256 values
//    4608    7e-7 median,   4e-6 largest      3e-5 median,   7e-5 largest
//    8192    8e-7           4e-6              5e-5         1.2e-4
//   32768    2e-6           8e-6              2e-4           5e-4
//   65536    2e-6         1.4e-5              4e-4           9e-4
//
// Products and convolutions of 8192 terms, such as 512 channels by 3 x 3, are left to the library: within
// 1e-5 for random terms. So are gradients of weights over up to 65536 pixels or rows: libraries split such
// sums to fill the device. What is longer is cut or declined. The rounding of a 16-bit result hides the same
// error.
inline constexpr std::int64_t max_gpu_library_terms = 8192;
inline constexpr std::int64_t max_gpu_library_gradient_terms = 65536;

inline bool gpu_library_may_sum_gradient(std::int64_t terms, DType dtype) {
  return terms <= max_gpu_library_gradient_terms || dtype == DType::float64;
}
inline bool gpu_library_may_sum(std::int64_t terms, DType dtype) {
  return terms <= max_gpu_library_terms ||
         (dtype != DType::float32 && gpu_library_may_sum_gradient(terms, dtype));
}
// Of a row or channel, which a warp at least reduces: each of its lanes adds a chain.
inline bool gpu_library_may_reduce(std::int64_t terms, DType dtype) {
  return gpu_library_may_sum(terms / 32, dtype);
}

}  // namespace metron
