// The maximum of a row and the sum of its exponentials, in one pass: what softmax and cross-entropy share.
#pragma once

#include <algorithm>
#include <metron/kernels/cuda/reduce/tile.cuh>

namespace metron::cuda {

// Of a set of numbers: the largest, and the sum of exp(x - largest).
template <typename T>
struct ExponentialSum {
  T largest, sum;
};

// The union of two sets: the sum of the smaller numbers is scaled down (Milakov and Gimelshein, 2018).
template <typename T>
struct MergeExponentialSums {
  static constexpr ExponentialSum<T> identity{Max<T>::identity, 0};

  // exp(x - largest), and 0 where both are minus infinity: nothing was added so far.
  __device__ static T scaled(T x, T largest) {
    return functor::exponential(x - (largest == Max<T>::identity ? T{0} : largest));
  }
  __device__ ExponentialSum<T> operator()(const ExponentialSum<T>& a, const ExponentialSum<T>& b) const {
    const T largest = Max<T>{}(a.largest, b.largest);
    return {largest, a.sum * scaled(a.largest, largest) + b.sum * scaled(b.largest, largest)};
  }
};

// Of the share of one thread, in the row that starts at x + base[0].
template <int operands, typename T>
__device__ inline ExponentialSum<Real<T>> exponential_sum(const Tiling& t, int share,
                                                          const WideIndex<operands>& range,
                                                          const std::int64_t* base, std::int64_t length,
                                                          const T* x) {
  using Value = Real<T>;
  const MergeExponentialSums<Value> merge;
  ExponentialSum<Value> total = merge.identity;
  for_each_segment<pack_of<T>>(t, length, [&](std::int64_t first, std::int64_t last) {
    ExponentialSum<Value> part = merge.identity;
    walk_share<pack_of<T>>(t, share, range, base, first, last,
                           [&]<int count>(const auto& offsets, std::int64_t) {
                             const auto in = load_pack<count>(x + offsets[0]);
                             Value largest = part.largest;
                             for (int j = 0; j < count; ++j)
                               largest = Max<Value>{}(largest, static_cast<Value>(in.values[j]));
                             part.sum *= merge.scaled(part.largest, largest);
                             for (int j = 0; j < count; ++j)
                               part.sum += merge.scaled(static_cast<Value>(in.values[j]), largest);
                             part.largest = largest;
                           });
    total = merge(total, part);
  });
  return total;
}

}  // namespace metron::cuda
