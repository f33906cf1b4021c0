// Warp and block reductions by any associative operator op(a, b). The operands are combined in thread order,
// so results are deterministic, and every thread gets the same bits.
#pragma once

#include <metron/kernels/arithmetic.h>
#include <metron/kernels/cuda/launch.h>

#include <array>
#include <bit>
#include <limits>
#include <metron/kernels/cuda/pack.cuh>
#include <type_traits>

namespace metron::cuda {

inline constexpr unsigned whole_warp = 0xffffffffu;

// __shfl_xor_sync() for any type made of whole 32-bit words.
template <typename T>
__device__ inline T shuffle_xor(T value, int lane_mask) {
  if constexpr (std::is_arithmetic_v<T>) {
    return __shfl_xor_sync(whole_warp, value, lane_mask);
  } else {
    static_assert(sizeof(T) % sizeof(unsigned) == 0);
    auto words = std::bit_cast<std::array<unsigned, sizeof(T) / sizeof(unsigned)>>(value);
    for (unsigned& word : words) word = __shfl_xor_sync(whole_warp, word, lane_mask);
    return std::bit_cast<T>(words);
  }
}

// Reduces each group of `width` adjacent lanes, a power of two. All lanes of the warp must call it.
template <typename T, typename Op>
__device__ inline T warp_reduce(T value, const Op& op, int width = warp_size) {
  for (int distance = 1; distance < width; distance *= 2) {
    T lower = value, upper = shuffle_xor(value, distance);
    if ((threadIdx.x & static_cast<unsigned>(distance)) != 0) {
      lower = upper;
      upper = value;
    }
    value = op(lower, upper);
  }
  return value;
}

// Block-wide reduction over a 1-D block of `threads`, a power of two of at least a warp. Safe to call back to
// back.
template <int threads, typename T, typename Op>
__device__ inline T block_reduce(T value, const Op& op) {
  constexpr unsigned warps = threads / warp_size;
  static_assert(warps * warp_size == threads && std::has_single_bit(warps) && warps <= warp_size);
  __shared__ T partials[warps];
  value = warp_reduce(value, op);
  if (threadIdx.x % warp_size == 0) partials[threadIdx.x / warp_size] = value;
  __syncthreads();
  value = warp_reduce(partials[threadIdx.x % warps], op, warps);
  __syncthreads();  // the next call overwrites the partials
  return value;
}

// The type a value is stored as in shared memory. It is accessed by one instruction where its size allows:
// accessing members separately causes bank conflicts.
template <typename T>
using SharedSlot =
    std::conditional_t<std::has_single_bit(sizeof(T)) && sizeof(T) <= access_bytes, Packed<sizeof(T)>, T>;

// Reduces over the threads of a 1-D block of `threads` whose indices are equal modulo `columns`, a power of
// two. Safe to call back to back.
template <int threads, typename T, typename Op>
__device__ inline T column_reduce(T value, const Op& op, int columns) {
  using Slot = SharedSlot<T>;
  __shared__ Slot partials[threads];
  const int thread = static_cast<int>(threadIdx.x);
  for (int half = threads / 2; half >= columns; half /= 2) {
    if (thread >= half && thread < 2 * half) partials[thread] = std::bit_cast<Slot>(value);
    __syncthreads();
    if (thread < half) value = op(value, std::bit_cast<T>(partials[thread + half]));
  }
  if (thread < columns) partials[thread] = std::bit_cast<Slot>(value);
  __syncthreads();
  value = std::bit_cast<T>(partials[thread % columns]);
  __syncthreads();  // the next call overwrites the partials
  return value;
}

// ---- Operators ----

template <typename T>
struct Sum {
  static constexpr T identity = 0;
  METRON_HOST_DEVICE T operator()(T a, T b) const { return functor::plus(a, b); }
};

// NaN compares larger than everything.
template <typename T>
struct Max {
  static constexpr T identity = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                                     : std::numeric_limits<T>::min();
  METRON_HOST_DEVICE T operator()(T a, T b) const { return a > b || functor::is_nan(a) ? a : b; }
};

// Count, mean, and sum of squared deviations from the mean.
template <typename T>
struct Moments {
  T count, mean, squares;

  METRON_HOST_DEVICE void add(T x) {  // Welford, 1962
    count += 1;
    const T distance = x - mean;
    mean += distance / count;
    squares += distance * (x - mean);
  }
};

// Merges the moments of two disjoint sets (Chan, Golub and LeVeque, 1979).
template <typename T>
struct MergeMoments {
  static constexpr Moments<T> identity{0, 0, 0};
  METRON_HOST_DEVICE Moments<T> operator()(const Moments<T>& a, const Moments<T>& b) const {
    const T count = a.count + b.count;
    if (count == 0) return a;
    const T distance = b.mean - a.mean;
    const T weight = b.count / count;
    return {count, a.mean + distance * weight,
            a.squares + b.squares + distance * distance * a.count * weight};
  }
};

}  // namespace metron::cuda
