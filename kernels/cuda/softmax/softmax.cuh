// Online softmax: the maximum of a row and the sum of its exponentials in one pass. Shared by softmax and
// cross-entropy.
#pragma once

#include <algorithm>
#include <metron/kernels/cuda/reduce/tile.cuh>

namespace metron::cuda {

// The maximum of a set of numbers, and the sum of exp(x - maximum).
template <typename T>
struct ExponentialSum {
  T largest, sum;
};

// Merges two sets by rescaling the sums to the common maximum (Milakov and Gimelshein, 2018).
template <typename T>
struct MergeExponentialSums {
  static constexpr ExponentialSum<T> identity{Max<T>::identity, 0};

  // exp(x - largest), and 0 if both are minus infinity, as for an empty set.
  __device__ static T scaled(T x, T largest) {
    return functor::exponential(x - (largest == Max<T>::identity ? T{0} : largest));
  }
  __device__ ExponentialSum<T> operator()(const ExponentialSum<T>& a, const ExponentialSum<T>& b) const {
    const T largest = Max<T>{}(a.largest, b.largest);
    return {largest, a.sum * scaled(a.largest, largest) + b.sum * scaled(b.largest, largest)};
  }
};

// Over one thread's slice of the row that starts at x + base[0]. The sums of segments are added in double.
template <int operands, typename T>
__device__ inline ExponentialSum<Real<T>> exponential_sum(const Tiling& t, int slice,
                                                          const WideIndex<operands>& range,
                                                          const std::int64_t* base, std::int64_t length,
                                                          const T* x) {
  using Value = Real<T>;
  const MergeExponentialSums<Value> merge;
  Value largest_so_far = merge.identity.largest;
  double sum = 0;
  for_each_segment<pack_of<T>>(t, length, [&](std::int64_t first, std::int64_t last) {
    ExponentialSum<Value> part = merge.identity;
    for_each_in_slice<pack_of<T>>(t, slice, range, base, first, last,
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
    const Value largest = Max<Value>{}(largest_so_far, part.largest);
    sum = sum * static_cast<double>(merge.scaled(largest_so_far, largest)) +
          static_cast<double>(part.sum * merge.scaled(part.largest, largest));
    largest_so_far = largest;
  });
  return {largest_so_far, static_cast<Value>(sum)};
}

}  // namespace metron::cuda
