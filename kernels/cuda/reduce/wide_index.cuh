// Maps a linear index of a LoopNest to the offset of each operand's element, in 64 bits and without division.
#pragma once

#include <metron/kernels/indexing.h>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace metron::cuda {

// n / d for n in [0, 2^63) and d in [1, 2^62] by a product and a shift: GPUs have no integer division
// instruction (Granlund and Montgomery, "Division by invariant integers using multiplication", 1994).
class WideDivisor {
 public:
  WideDivisor() = default;
  explicit WideDivisor(std::int64_t divisor) : divisor_(divisor) {
    const auto d = static_cast<std::uint64_t>(divisor);
    shift_ = static_cast<int>(std::bit_width(d - 1));
    std::uint64_t remainder = (std::uint64_t{1} << shift_) - d;  // below d
    multiplier_ = 0;
    for (int bit = 0; bit < 64; ++bit) {  // remainder * 2^64 / d, bit by bit
      remainder *= 2;
      multiplier_ = 2 * multiplier_ + (remainder >= d ? 1 : 0);
      if (remainder >= d) remainder -= d;
    }
    ++multiplier_;
  }

  METRON_HOST_DEVICE std::int64_t value() const { return divisor_; }
  METRON_HOST_DEVICE std::int64_t quotient(std::int64_t n) const {
    const auto dividend = static_cast<std::uint64_t>(n);
    return static_cast<std::int64_t>((high_product(dividend, multiplier_) + dividend) >> shift_);
  }

 private:
  // The upper 64 bits of a * b.
  METRON_HOST_DEVICE static std::uint64_t high_product(std::uint64_t a, std::uint64_t b) {
#if defined(__CUDA_ARCH__)
    return __umul64hi(a, b);
#else
    constexpr std::uint64_t low_half = 0xffffffffu;
    const std::uint64_t inner = (a & low_half) * (b & low_half) >> 32;
    const std::uint64_t left = (a >> 32) * (b & low_half) + inner;
    const std::uint64_t right = (a & low_half) * (b >> 32) + (left & low_half);
    return (a >> 32) * (b >> 32) + (left >> 32) + (right >> 32);
#endif
  }

  std::int64_t divisor_ = 1;
  std::uint64_t multiplier_ = 1;
  int shift_ = 0;
};

// Passed by value: kernel arguments are in constant memory, where a read that is uniform across the warp is a
// broadcast.
template <int operands>
class WideIndex {
 public:
  explicit WideIndex(const LoopNest& nest) : rank_(nest.rank), strides_{} {
    for (int d = 0; d < rank_; ++d) {
      const auto u = static_cast<std::size_t>(d);
      if (nest.sizes[u] > 0) sizes_[d] = WideDivisor(nest.sizes[u]);
      for (int k = 0; k < operands; ++k) strides_[d][k] = nest.strides[u][static_cast<std::size_t>(k)];
    }
  }

  METRON_HOST_DEVICE int rank() const { return rank_; }
  // The stride of operand k along dimension 0.
  METRON_HOST_DEVICE std::int64_t stride(int k) const { return strides_[0][k]; }

  METRON_HOST_DEVICE void offsets(std::int64_t position, std::int64_t (&result)[operands]) const {
    for (int k = 0; k < operands; ++k) result[k] = 0;
#if defined(__CUDA_ARCH__)
#pragma unroll 1  // few iterations, and unrolling would cost registers
#endif
    for (int d = 0; d + 1 < rank_; ++d) {
      const std::int64_t quotient = sizes_[d].quotient(position);
      const std::int64_t index = position - quotient * sizes_[d].value();
      for (int k = 0; k < operands; ++k) result[k] += index * strides_[d][k];
      position = quotient;
    }
    for (int k = 0; k < operands; ++k) result[k] += position * strides_[rank_ - 1][k];
  }

 private:
  int rank_;
  WideDivisor sizes_[max_rank];
  std::int64_t strides_[max_rank][operands];
};

}  // namespace metron::cuda
