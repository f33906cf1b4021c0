// Reductions over the threads of a warp and of a block, by any associative operator op(a, b). The order is
// that of the threads and fixed, so results are deterministic, and every thread gets the same bits.
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

// The value of the lane whose number differs in the bits of `lane_mask`; of any size in whole words.
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

// Over neighbouring groups of `width` lanes, a power of two. All lanes of the warp take part.
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

// Over a block of `threads`, all in x: a power of two of whole warps. It may be called again at once.
template <int threads, typename T, typename Op>
__device__ inline T block_reduce(T value, const Op& op) {
  constexpr unsigned warps = threads / warp_size;
  static_assert(warps * warp_size == threads && std::has_single_bit(warps) && warps <= warp_size);
  __shared__ T shares[warps];
  value = warp_reduce(value, op);
  if (threadIdx.x % warp_size == 0) shares[threadIdx.x / warp_size] = value;
  __syncthreads();
  value = warp_reduce(shares[threadIdx.x % warps], op, warps);
  __syncthreads();  // before a next call writes its shares
  return value;
}

// As what a value lies in shared memory: moved as a whole where one instruction can, as the members of
// neighbouring values, each moved on its own, would meet in banks.
template <typename T>
using SharedSlot =
    std::conditional_t<std::has_single_bit(sizeof(T)) && sizeof(T) <= access_bytes, Packed<sizeof(T)>, T>;

// Over the threads of a block of `threads` whose numbers are equal modulo `columns`, a power of two. It may
// be called again at once.
template <int threads, typename T, typename Op>
__device__ inline T column_reduce(T value, const Op& op, int columns) {
  using Slot = SharedSlot<T>;
  __shared__ Slot shares[threads];
  const int thread = static_cast<int>(threadIdx.x);
  for (int half = threads / 2; half >= columns; half /= 2) {
    if (thread >= half && thread < 2 * half) shares[thread] = std::bit_cast<Slot>(value);
    __syncthreads();
    if (thread < half) value = op(value, std::bit_cast<T>(shares[thread + half]));
  }
  if (thread < columns) shares[thread] = std::bit_cast<Slot>(value);
  __syncthreads();
  value = std::bit_cast<T>(shares[thread % columns]);
  __syncthreads();  // before a next call writes its shares
  return value;
}

// ---- Operators ----

template <typename T>
struct Sum {
  static constexpr T identity = 0;
  METRON_HOST_DEVICE T operator()(T a, T b) const { return functor::plus(a, b); }
};

// NaN is larger than all.
template <typename T>
struct Max {
  static constexpr T identity = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                                     : std::numeric_limits<T>::min();
  METRON_HOST_DEVICE T operator()(T a, T b) const { return a > b || functor::is_nan(a) ? a : b; }
};

// Of a set of numbers: how many, their mean, and the sum of their squared distances from it.
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

// The union of two sets (Chan, Golub and LeVeque, 1979).
template <typename T>
struct MergeMoments {
  static constexpr Moments<T> identity{0, 0, 0};
  METRON_HOST_DEVICE Moments<T> operator()(const Moments<T>& a, const Moments<T>& b) const {
    const T count = a.count + b.count;
    if (count == 0) return a;
    const T distance = b.mean - a.mean;
    const T share = b.count / count;
    return {count, a.mean + distance * share, a.squares + b.squares + distance * distance * a.count * share};
  }
};

}  // namespace metron::cuda
