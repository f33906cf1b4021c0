// How results that are made of ranges of elements (sums, statistics, rows of a softmax) are shared out among
// blocks.
#pragma once

#include <metron/kernels/indexing.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace metron::cuda {

inline constexpr int tile_threads = 256;
inline constexpr int tile_blocks = 3;  // at least so many fit a multiprocessor at once: 80 registers a thread

// A block is a tile of `columns` results by `shares` threads a result, over one chunk of their ranges. It
// depends on the shape alone, and so do results.
struct Tiling {
  int columns;          // columns * shares == tile_threads
  int shares;           // a power of two
  bool along_range;     // neighbouring threads share a range (at most a warp of them, or all), else they have
                        // neighbouring results
  bool packed;          // threads read aligned packs of a range
  std::int64_t chunk;   // positions of a range; a multiple of shares * pack
  std::int64_t chunks;  // of a range, at least 1
  std::int64_t tiles;   // that hold all results

  unsigned blocks() const { return static_cast<unsigned>(tiles * chunks); }
};

// Of `kept` results with ranges `reduced`, which have the same `operands` in front; their addresses are
// `data`, and `pack` elements make one load.
Tiling make_tiling(const LoopNest& kept, const LoopNest& reduced, std::span<const void* const> data, int pack,
                   std::size_t element_bytes);
// The same with the whole range in one chunk.
Tiling make_row_tiling(const LoopNest& kept, const LoopNest& reduced, std::span<const void* const> data,
                       int pack, std::size_t element_bytes);

// A nest of one dimension.
LoopNest line_nest(std::int64_t size, std::initializer_list<std::int64_t> strides);

}  // namespace metron::cuda
