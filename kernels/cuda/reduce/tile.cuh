// Building blocks of the kernels over a Tiling: thread coordinates, the loop over a thread's slice of a
// range, and the reduction over the slices.
#pragma once

#include <metron/kernels/cuda/floating.h>
#include <metron/kernels/cuda/reduce/tiling.h>

#include <metron/kernels/cuda/pack.cuh>
#include <metron/kernels/cuda/reduce/wide_index.cuh>
#include <metron/kernels/cuda/reductions.cuh>

namespace metron::cuda {

// Elements per vector load.
template <typename T>
inline constexpr int pack_of = sizeof(T) < access_bytes ? access_bytes / static_cast<int>(sizeof(T)) : 1;

// The coordinates of a thread within the grid of tiles.
struct TileCoordinates {
  int slice;
  std::int64_t result;  // may be past the last one
  std::int64_t chunk;

  __device__ explicit TileCoordinates(const Tiling& t) {
    const int thread = static_cast<int>(threadIdx.x);
    const unsigned chunks = static_cast<unsigned>(t.chunks);
    slice = t.along_range ? thread % t.slices : thread / t.columns;
    chunk = blockIdx.x % chunks;
    result = static_cast<std::int64_t>(blockIdx.x / chunks) * t.columns +
             (t.along_range ? thread / t.slices : thread % t.columns);
  }
};

// Reduces over the slices of each result. All of their threads get the total.
template <typename T, typename Op>
__device__ inline T tile_reduce(const Tiling& t, T value, const Op& op) {
  if (!t.along_range) return column_reduce<tile_threads>(value, op, t.columns);
  if (t.slices == tile_threads) return block_reduce<tile_threads>(value, op);
  return warp_reduce(value, op, t.slices);
}

// The operand offsets of a position in the range that starts at `base`.
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

// Calls body.operator()<count>(offsets, position) for a thread's slice of positions [first, last): vectors of
// `count` elements, starting at `position`.
template <int pack, int operands, typename Body>
__device__ inline void for_each_in_slice(const Tiling& t, int slice, const WideIndex<operands>& range,
                                         const std::int64_t* base, std::int64_t first, std::int64_t last,
                                         const Body& body) {
  std::int64_t offsets[operands];
  if (t.packed) {
    std::int64_t i = first + slice * pack;
    for (; i + pack <= last; i += t.slices * pack) {
      offsets_in(range, base, i, offsets);
      body.template operator()<pack>(offsets, i);
    }
    for (; i < last; ++i) {  // the partial pack at the end goes to one thread
      offsets_in(range, base, i, offsets);
      body.template operator()<1>(offsets, i);
    }
  } else if (range.rank() == 1) {
    [[maybe_unused]] constexpr int unrolled = pack < 4 ? 1 : 4;  // where registers allow it
#pragma unroll unrolled
    for (std::int64_t i = first + slice; i < last; i += t.slices) {
      for (int k = 0; k < operands; ++k) offsets[k] = base[k] + i * range.stride(k);
      body.template operator()<1>(offsets, i);
    }
  } else {
#pragma unroll 1
    for (std::int64_t i = first + slice; i < last; i += t.slices) {
      offsets_in(range, base, i, offsets);
      body.template operator()<1>(offsets, i);
    }
  }
}

// Vectors a thread accumulates before it merges them into its running total. This bounds the rounding error,
// which grows linearly with the length in a plain loop.
inline constexpr std::int64_t fold_steps = 32;

// Calls body(first, last) for the segments of a range.
template <int pack, typename Body>
__device__ inline void for_each_segment(const Tiling& t, std::int64_t length, const Body& body) {
  const std::int64_t segment = fold_steps * t.slices * (t.packed ? pack : 1);
  for (std::int64_t first = 0; first < length; first += segment) body(first, min(first + segment, length));
}

}  // namespace metron::cuda
