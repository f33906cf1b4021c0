// One axis of pooling: 32-bit arithmetic if all quantities fit 31 bits, otherwise 64-bit.
#pragma once

#include <metron/kernels/cuda/divisor.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace metron::cuda {

// Divisor's interface for 64-bit values, by the division operator. It is slow on a GPU, but with WideDivisor
// (wide_index.cuh) the kernel would spill.
class NativeDivisor {
 public:
  NativeDivisor() = default;
  explicit NativeDivisor(std::int64_t divisor) : divisor_(divisor) {}
  METRON_HOST_DEVICE std::int64_t quotient(std::int64_t n) const { return n / divisor_; }
  METRON_HOST_DEVICE std::int64_t value() const { return divisor_; }

 private:
  std::int64_t divisor_ = 1;
};

template <typename Index>
struct PoolRange {
  Index first, last;  // exclusive
};

template <typename Index>
struct PoolAxis {
  using Division = std::conditional_t<std::is_same_v<Index, std::int32_t>, Divisor, NativeDivisor>;
  Division input, output, stride;
  Index kernel, padding;

  PoolAxis(std::int64_t in, std::int64_t out, std::int64_t k, std::int64_t s, std::int64_t p)
      : input(in),
        output(std::max<std::int64_t>(out, 1)),
        stride(s),
        kernel(static_cast<Index>(k)),
        padding(static_cast<Index>(p)) {}

  METRON_HOST_DEVICE Index start(Index o) const {
    return o * stride.value() - padding;
  }  // first input of output o's window
  // The part of a window inside the input.
  METRON_HOST_DEVICE PoolRange<Index> inside(Index window_start) const {
    const Index first = window_start < 0 ? -window_start : 0, remaining = input.value() - window_start;
    return {first, kernel < remaining ? kernel : remaining};
  }
  // The outputs whose windows contain input i.
  METRON_HOST_DEVICE PoolRange<Index> windows_of(Index i) const {
    const Index before = i + padding - kernel;  // the last window start that ends before i
    const Index end = stride.quotient(i + padding) + 1;
    return {before < 0 ? 0 : stride.quotient(before) + 1, end < output.value() ? end : output.value()};
  }
};

}  // namespace metron::cuda
