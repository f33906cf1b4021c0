// Pooling geometry, shared by the forward and backward kernels: contiguous planes, or channels-last images as
// planes of pixels with `inner` channels each.
#pragma once

#include <metron/core/options.h>
#include <metron/kernels/cuda/floating.h>
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/pool/pool_axis.h>
#include <metron/kernels/internal/formatted.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <metron/kernels/cuda/pack.cuh>
#include <type_traits>

namespace metron::cuda {

inline constexpr int pool_threads = 256;

template <typename Index>
struct Pool {
  using Division = typename PoolAxis<Index>::Division;
  PoolAxis<Index> h, w;
  Division groups;  // packs per pixel
  Index inner;      // channels per pixel

  Pool(const Tensor& x, const Tensor& y, const Pool2dOptions& o, std::int64_t channels, int pack)
      : h(x.size(2), y.size(2), o.kernel.h, o.stride.h, o.padding.h),
        w(x.size(3), y.size(3), o.kernel.w, o.stride.w, o.padding.w),
        groups(std::max<std::int64_t>(channels / pack, 1)),
        inner(static_cast<Index>(channels)) {}
};

// The coordinates of pack i, on planes of `height` by `width`.
template <typename Index>
struct PoolPosition {
  Index plane, row, column, channel;

  template <typename Division>
  METRON_HOST_DEVICE PoolPosition(Index i, const Division& height, const Division& width,
                                  const Division& groups, int pack) {
    const Index pixel = groups.quotient(i), line = width.quotient(pixel);
    plane = height.quotient(line);
    row = line - plane * height.value();
    column = pixel - line * width.value();
    channel = (i - pixel * groups.value()) * pack;
  }
};

// The argmax of each window, in one of two index types; both null if there are none.
template <typename Small, typename Large>
struct PoolElements {
  Small* small = nullptr;
  Large* large = nullptr;
};
using PoolIndices = PoolElements<std::uint8_t, std::int64_t>;
using ConstPoolIndices = PoolElements<const std::uint8_t, const std::int64_t>;

// Whether all quantities fit 31 bits, including loop increments past the end.
inline bool pool_fits(const Tensor& x, const Tensor& y, const Pool2dOptions& o) {
  constexpr std::int64_t largest = std::numeric_limits<std::int32_t>::max();
  const auto axis_fits = [](std::int64_t input, std::int64_t kernel, std::int64_t stride,
                            std::int64_t padding) {
    constexpr std::int64_t most = largest / 4;
    return input < most && kernel < most && stride < most && padding < most;
  };
  return x.numel() <= largest && y.numel() <= largest && o.kernel.h <= largest / o.kernel.w &&
         axis_fits(x.size(2), o.kernel.h, o.stride.h, o.padding.h) &&
         axis_fits(x.size(3), o.kernel.w, o.stride.w, o.padding.w);
}

// Whether the size of a window is representable.
inline bool pool_window_counts(const Pool2dOptions& o) {
  return o.kernel.h <= std::numeric_limits<std::int64_t>::max() / o.kernel.w;
}

inline bool is_aligned(const void* address, std::size_t bytes) {
  return std::bit_cast<std::uintptr_t>(address) % bytes == 0;
}

// The number of channels per vector if all tensors hold them contiguous and aligned, otherwise 1.
template <typename T>
int pool_pack(std::int64_t inner, const T* x, const T* y, const ConstPoolIndices& indices) {
  if constexpr (std::is_same_v<T, float>) {
    constexpr int pack = access_bytes / static_cast<int>(sizeof(T));
    const bool fits = inner % pack == 0 && is_aligned(x, access_bytes) && is_aligned(y, access_bytes) &&
                      is_aligned(indices.small, pack) && is_aligned(indices.large, access_bytes);
    return fits ? pack : 1;
  }
  return 1;
}

// Whether windows are non-overlapping 2 x 2 on a contiguous x, and allow a thread to process two of them.
template <typename T>
bool pool_tiles(const Tensor& x, const Tensor& y, const Pool2dOptions& o, MemoryFormat format, const T* from,
                const T* to, const ConstPoolIndices& indices) {
  return std::is_same_v<T, float> && format == MemoryFormat::contiguous && o.kernel == Size2(2) &&
         o.stride == Size2(2) && o.padding == Size2(0) && x.size(3) == 2 * y.size(3) && y.size(3) % 2 == 0 &&
         is_aligned(from, 4 * sizeof(T)) && is_aligned(to, 4 * sizeof(T)) && is_aligned(indices.small, 2) &&
         is_aligned(indices.large, access_bytes);
}

}  // namespace metron::cuda
