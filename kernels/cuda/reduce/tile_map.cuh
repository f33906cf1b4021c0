// Element-wise maps with per-result parameters, such as the channels of a batch norm. A block is a tile of
// results, and several threads iterate over a chunk of each result's elements.
#pragma once

#include <array>
#include <metron/kernels/cuda/reduce/tile.cuh>

namespace metron::cuda {

// A map F defines
//   operands, pack         number of inputs and outputs; elements per vector load
//   of_result(offset)      loads the parameters of a result: a `.template apply<count>(offsets)`
//   addresses()            of the operands
template <typename F>
__global__ void __launch_bounds__(tile_threads, tile_blocks)
    tile_map_kernel(F f, Tiling tiling, WideIndex<F::operands + 1> kept, std::int64_t results,
                    WideIndex<F::operands> range, std::int64_t length) {
  const TileCoordinates tile(tiling);
  if (tile.result >= results) return;
  std::int64_t base[F::operands + 1];
  kept.offsets(tile.result, base);
  const auto map = f.of_result(base[F::operands]);
  const std::int64_t first = tile.chunk * tiling.chunk;
  for_each_in_slice<F::pack>(
      tiling, tile.slice, range, base, first, min(first + tiling.chunk, length),
      [&]<int count>(const auto& offsets, std::int64_t) { map.template apply<count>(offsets); });
}

// `kept` has the operands of F, then the offset of a result's parameters.
template <typename F>
void tile_map(const char* op, Device device, const F& f, const LoopNest& kept, const LoopNest& range) {
  const Tiling tiling = make_tiling(kept, range, f.addresses(), F::pack, F::element_bytes);
  launch(op, device, {tiling.blocks(), tile_threads}, tile_map_kernel<F>, f, tiling,
         WideIndex<F::operands + 1>(kept), kept.numel, WideIndex<F::operands>(range), range.numel);
}

}  // namespace metron::cuda
