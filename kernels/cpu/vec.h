// A SIMD register of the instruction set that a file is compiled for, via the compiler's vector extension.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

namespace metron::METRON_ISA {

using Index = std::int64_t;

// The fused ReLU of an epilogue. NaN propagates.
template <typename T>
inline T rectified(bool relu, T value) {
  return relu && value < 0 ? T{0} : value;
}

// __BIGGEST_ALIGNMENT__ is the width of the widest register: 16 bytes for SSE2 and NEON, 32 for AVX2, 64 for
// AVX-512.
inline constexpr int vec_bytes = __BIGGEST_ALIGNMENT__;

template <typename T>
struct VecOf;
template <>
struct VecOf<float> {
  using Type [[gnu::vector_size(vec_bytes)]] = float;
};
template <>
struct VecOf<double> {
  using Type [[gnu::vector_size(vec_bytes)]] = double;
};

template <typename T>
using Vec = typename VecOf<T>::Type;
template <typename T>
inline constexpr int vec_lanes = vec_bytes / static_cast<int>(sizeof(T));

template <typename T>
inline Vec<T> load(const T* from) {
  Vec<T> value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T>
inline void store(T* to, Vec<T> value) {
  std::memcpy(to, &value, sizeof value);
}

template <typename T>
inline T sum_of_lanes(Vec<T> value) {
  T sum = value[0];
  for (int i = 1; i < vec_lanes<T>; ++i) sum += value[i];
  return sum;
}

template <typename T, std::size_t... Lane>
inline Vec<T> interleave(Vec<T> a, Vec<T> b, std::index_sequence<Lane...>, bool high) {
  constexpr int n = vec_lanes<T>;
#if __has_builtin(__builtin_shufflevector)
  return high ? __builtin_shufflevector(a, b, ((n + int{Lane}) / 2 + int{Lane} % 2 * n)...)
              : __builtin_shufflevector(a, b, (int{Lane} / 2 + int{Lane} % 2 * n)...);
#else  // GCC before 12
  using Lanes = decltype(a < b);  // integers of the same size
  return high ? __builtin_shuffle(a, b, Lanes{((n + int{Lane}) / 2 + int{Lane} % 2 * n)...})
              : __builtin_shuffle(a, b, Lanes{(int{Lane} / 2 + int{Lane} % 2 * n)...});
#endif
}

// Transposes the square matrix in `rows` by log2(lanes) perfect shuffles.
template <typename T>
inline void transpose(Vec<T> (&rows)[vec_lanes<T>]) {
  constexpr int n = vec_lanes<T>;
  constexpr auto each_lane = std::make_index_sequence<std::size_t{n}>();
  for (int stage = 1; stage < n; stage *= 2) {
    Vec<T> shuffled[n];
    for (int i = 0; i < n / 2; ++i) {
      shuffled[2 * i] = interleave<T>(rows[i], rows[i + n / 2], each_lane, false);
      shuffled[2 * i + 1] = interleave<T>(rows[i], rows[i + n / 2], each_lane, true);
    }
    for (int i = 0; i < n; ++i) rows[i] = shuffled[i];
  }
}

}  // namespace metron::METRON_ISA
