// The partition of reductions (sums, statistics, rows of a softmax) into blocks.
#pragma once

#include <metron/kernels/indexing.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace metron::cuda {

inline constexpr int tile_threads = 256;
inline constexpr int tile_blocks = 3;  // minimum blocks per multiprocessor: 80 registers per thread

// A block is a tile of `columns` results by `slices` threads per result, over one chunk of their ranges. It
// depends on shapes, strides and alignment, never on the device, and so do the results' bits.
struct Tiling {
  int columns;  // columns * slices == tile_threads
  int slices;   // threads per result, a power of two
  // Adjacent threads split a range (at most a warp of them, or the whole block), otherwise they take adjacent
  // results.
  bool along_range;
  bool packed;          // aligned vector loads along a range
  std::int64_t chunk;   // elements of a range per block; a multiple of slices * pack
  std::int64_t chunks;  // per range, at least 1
  std::int64_t tiles;   // of `columns` results each

  unsigned blocks() const { return static_cast<unsigned>(tiles * chunks); }
};

// For results `kept` over ranges `reduced`. The leading operands of both are stored at `data`; `pack`
// elements make a vector load.
Tiling make_tiling(const LoopNest& kept, const LoopNest& reduced, std::span<const void* const> data, int pack,
                   std::size_t element_bytes);
// The same with the whole range in one chunk.
Tiling make_row_tiling(const LoopNest& kept, const LoopNest& reduced, std::span<const void* const> data,
                       int pack, std::size_t element_bytes);

// Row lengths for the kernels with one warp per row: each lane takes at least two elements, and keeps at most
// 32 in registers.
inline constexpr int min_row_elements = 64, max_row_elements = 1024;
// Whether these kernels apply: the first `operands` operands are dense rows of such a length.
bool has_warp_rows(const LoopNest& kept, const LoopNest& reduced, int operands);

// A one-dimensional loop nest.
LoopNest line_nest(std::int64_t size, std::initializer_list<std::int64_t> strides);

}  // namespace metron::cuda
