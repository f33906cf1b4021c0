// Vectors of adjacent elements, loaded and stored by one instruction.
#pragma once

#include <cuda_runtime.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace metron::cuda {

inline constexpr int access_bytes = 16;  // the widest access of a thread

template <typename T, int count>
struct alignas(sizeof(T) * count) Pack {
  T values[count];
};

// The type a pack is accessed as: the compiler would split a structure of small elements into several
// accesses.
template <std::size_t bytes>
struct alignas(access_bytes) Word {
  uint4 parts[bytes / access_bytes];
};
template <std::size_t bytes>
using Packed = std::conditional_t<
    bytes == 1, std::uint8_t,
    std::conditional_t<
        bytes == 2, std::uint16_t,
        std::conditional_t<
            bytes == 4, std::uint32_t,
            std::conditional_t<bytes == 8, uint2, std::conditional_t<bytes == 16, uint4, Word<bytes>>>>>>;

template <int count, typename T>
__device__ inline Pack<T, count> load_pack(const T* from) {
  using Whole = Packed<sizeof(Pack<T, count>)>;
  return std::bit_cast<Pack<T, count>>(*reinterpret_cast<const Whole*>(from));
}

template <typename T, int count>
__device__ inline void store_pack(T* to, const Pack<T, count>& pack) {
  using Whole = Packed<sizeof(Pack<T, count>)>;
  *reinterpret_cast<Whole*>(to) = std::bit_cast<Whole>(pack);
}

template <int count, typename T>
__device__ inline Pack<T, count> splat(T value) {
  Pack<T, count> pack;
#pragma unroll
  for (int lane = 0; lane < count; ++lane) pack.values[lane] = value;
  return pack;
}

}  // namespace metron::cuda
