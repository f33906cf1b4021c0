// What the kernels over a Tiling share: where a thread stands, its walk over its share of a range, and the
// reduction over the shares.
#pragma once

#include <metron/kernels/cuda/floating.h>
#include <metron/kernels/cuda/reduce/tiling.h>

#include <metron/kernels/cuda/pack.cuh>
#include <metron/kernels/cuda/reduce/wide_index.cuh>
#include <metron/kernels/cuda/reductions.cuh>

namespace metron::cuda {

// How many elements one load takes.
template <typename T>
inline constexpr int pack_of = sizeof(T) < access_bytes ? access_bytes / static_cast<int>(sizeof(T)) : 1;

// Where a thread of a tile stands.
struct TilePlace {
  int share;
  std::int64_t result;  // it may lie beyond the last one
  std::int64_t chunk;

  __device__ explicit TilePlace(const Tiling& t) {
    const int thread = static_cast<int>(threadIdx.x);
    const unsigned chunks = static_cast<unsigned>(t.chunks);
    share = t.along_range ? thread % t.shares : thread / t.columns;
    chunk = blockIdx.x % chunks;
    result = static_cast<std::int64_t>(blockIdx.x / chunks) * t.columns +
             (t.along_range ? thread / t.shares : thread % t.columns);
  }
};

// Over the shares of each result; all of them get it.
template <typename T, typename Op>
__device__ inline T tile_reduce(const Tiling& t, T value, const Op& op) {
  if (!t.along_range) return column_reduce<tile_threads>(value, op, t.columns);
  if (t.shares == tile_threads) return block_reduce<tile_threads>(value, op);
  return warp_reduce(value, op, t.shares);
}

// The offsets of a position of a range that begins at `base`.
template <int operands>
__device__ inline void offsets_in(const WideIndex<operands>& range, const std::int64_t* base,
                                  std::int64_t position, std::int64_t (&offsets)[operands]) {
  if (range.rank() == 1) {
    for (int k = 0; k < operands; ++k) offsets[k] = position * range.stride(k);
  } else {
    range.offsets(position, offsets);
  }
  for (int k = 0; k < operands; ++k) offsets[k] += base[k];
}

// Calls body.operator()<count>(offsets, position) for a thread's share of positions [first, last): `count`
// elements from there on are its own, neighbours in memory.
template <int pack, int operands, typename Body>
__device__ inline void walk_share(const Tiling& t, int share, const WideIndex<operands>& range,
                                  const std::int64_t* base, std::int64_t first, std::int64_t last,
                                  const Body& body) {
  std::int64_t offsets[operands];
  if (t.packed) {
    std::int64_t i = first + share * pack;
    for (; i + pack <= last; i += t.shares * pack) {
      offsets_in(range, base, i, offsets);
      body.template operator()<pack>(offsets, i);
    }
    for (; i < last; ++i) {  // less than a pack, of one thread
      offsets_in(range, base, i, offsets);
      body.template operator()<1>(offsets, i);
    }
  } else if (range.rank() == 1) {
    [[maybe_unused]] constexpr int unrolled = pack < 4 ? 1 : 4;  // where the registers allow it
#pragma unroll unrolled
    for (std::int64_t i = first + share; i < last; i += t.shares) {
      for (int k = 0; k < operands; ++k) offsets[k] = base[k] + i * range.stride(k);
      body.template operator()<1>(offsets, i);
    }
  } else {
#pragma unroll 1
    for (std::int64_t i = first + share; i < last; i += t.shares) {
      offsets_in(range, base, i, offsets);
      body.template operator()<1>(offsets, i);
    }
  }
}

// Positions that a thread takes before it merges them with those before: so the rounding error does not grow
// with the length as a plain loop's does.
inline constexpr std::int64_t fold_steps = 32;

// Calls body(first, last) for the segments of a range.
template <int pack, typename Body>
__device__ inline void for_each_segment(const Tiling& t, std::int64_t length, const Body& body) {
  const std::int64_t segment = fold_steps * t.shares * (t.packed ? pack : 1);
  for (std::int64_t first = 0; first < length; first += segment) body(first, min(first + segment, length));
}

}  // namespace metron::cuda
