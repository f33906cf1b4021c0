#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/reduce/tiling.h>

#include <algorithm>
#include <bit>

namespace metron::cuda {
namespace {

constexpr std::int64_t max_per_thread = 64, min_per_thread = 16;  // elements that one thread folds
constexpr std::int64_t target_blocks = 512;
constexpr std::int64_t max_warp_range = 1024;

// The smallest power of two that holds `wanted`, in [1, most].
int lanes_for(std::int64_t count, int max_lanes) {
  return static_cast<int>(
      std::bit_ceil(static_cast<unsigned>(std::clamp<std::int64_t>(count, 1, max_lanes))));
}

bool has_aligned_packs(const LoopNest& kept, const LoopNest& reduced, std::span<const void* const> data,
                       int pack, std::size_t element_bytes) {
  if (pack == 1 || (reduced.rank > 1 && reduced.sizes[0] % pack != 0)) return false;
  std::size_t k = 0;
  for (const void* address : data) {
    if (std::bit_cast<std::uintptr_t>(address) % (static_cast<std::size_t>(pack) * element_bytes) != 0)
      return false;
    if (reduced.strides[0][k] != 1) return false;
    for (std::size_t d = 1; d < static_cast<std::size_t>(reduced.rank); ++d)
      if (reduced.strides[d][k] % pack != 0) return false;
    for (std::size_t d = 0; kept.numel > 1 && d < static_cast<std::size_t>(kept.rank); ++d)
      if (kept.strides[d][k] % pack != 0) return false;
    ++k;
  }
  return true;
}

}  // namespace

Tiling make_row_tiling(const LoopNest& kept, const LoopNest& reduced, std::span<const void* const> data,
                       int pack, std::size_t element_bytes) {
  Tiling t{};
  t.along_range = kept.sizes[0] < 2 || kept.strides[0][0] >= reduced.strides[0][0];
  if (t.along_range) {
    t.packed = has_aligned_packs(kept, reduced, data, pack, element_bytes);
    const std::int64_t loads = ceil_div(reduced.numel, t.packed ? pack : 1);
    t.slices = reduced.numel > max_warp_range ? tile_threads : lanes_for(loads, warp_size);
  } else {
    constexpr std::int64_t min_per_thread_strided = 4;
    const int columns = lanes_for(kept.sizes[0], warp_size);
    t.slices = lanes_for(ceil_div(reduced.numel, min_per_thread_strided), tile_threads / columns);
  }
  t.columns = tile_threads / t.slices;
  t.tiles = ceil_div(kept.numel, t.columns);
  t.chunk = std::max<std::int64_t>(1, reduced.numel);
  t.chunks = 1;
  return t;
}

Tiling make_tiling(const LoopNest& kept, const LoopNest& reduced, std::span<const void* const> data, int pack,
                   std::size_t element_bytes) {
  Tiling t = make_row_tiling(kept, reduced, data, pack, element_bytes);
  const auto cut = [&](std::int64_t per_thread) {
    t.chunk = t.slices * per_thread;
    t.chunks = std::max<std::int64_t>(1, ceil_div(reduced.numel, t.chunk));
  };
  std::int64_t per_thread = max_per_thread;
  cut(per_thread);
  while (t.chunks > 1 && per_thread > min_per_thread && t.tiles * t.chunks < target_blocks)
    cut(per_thread /= 2);
  return t;
}

bool has_warp_rows(const LoopNest& kept, const LoopNest& reduced, int operands) {
  if (kept.rank != 1 || reduced.rank != 1) return false;
  if (reduced.numel < min_row_elements || reduced.numel > max_row_elements) return false;
  for (std::size_t k = 0; k < static_cast<std::size_t>(operands); ++k) {
    if (reduced.strides[0][k] != 1) return false;
    if (kept.numel > 1 && kept.strides[0][k] != reduced.numel) return false;
  }
  return true;
}

LoopNest line_nest(std::int64_t size, std::initializer_list<std::int64_t> strides) {
  LoopNest nest;
  nest.sizes[0] = nest.numel = size;
  std::copy(strides.begin(), strides.end(), nest.strides[0].begin());
  return nest;
}

}  // namespace metron::cuda
