// Folds: reductions of a range of elements per result, over one or more operands of any strides.
//
// A block is a tile of results, with each result's range split between several threads. If the innermost axis
// is reduced, adjacent threads split a range, up to a warp or the whole block, with aligned 16-byte loads
// where possible. If it is kept, adjacent threads take adjacent results. A thread folds at most 64 elements
// and the threads reduce as a tree, so the rounding error grows with the logarithm of the length: longer
// ranges are split into chunks whose results are folded in turn. The operands are read once, the minimum:
// memory-bound.
#pragma once

#include <array>
#include <metron/kernels/cuda/reduce/tile.cuh>

namespace metron::cuda {

// A fold F defines
//   Value                     the accumulator, combined by the associative `op` with an `identity`
//   operands, pack            number of inputs; elements per vector load
//   add<count>(values, offsets, position)  accumulates element j of `count` adjacent ones into values[j]
//   store(offset, value)      writes a result, at the last offset of `kept`
//   of_result(offset)         loads the parameters of a result; provides `add`
//   addresses()               of the operands
//   of_partials(values)       the fold over the chunks' partial results, which stores like this one
template <typename F>
__global__ void __launch_bounds__(tile_threads, tile_blocks)
    fold_kernel(F f, Tiling tiling, WideIndex<F::operands + 1> kept, std::int64_t results,
                WideIndex<F::operands> range, std::int64_t length, typename F::Value* partials) {
  using Value = typename F::Value;
  const TileCoordinates tile(tiling);
  std::int64_t base[F::operands + 1] = {};
  Value values[F::pack];
  for (int j = 0; j < F::pack; ++j) values[j] = f.op.identity;
  if (tile.result < results) {
    kept.offsets(tile.result, base);
    const auto& input = f.of_result(base[F::operands]);
    const std::int64_t first = tile.chunk * tiling.chunk;
    for_each_in_slice<F::pack>(tiling, tile.slice, range, base, first, min(first + tiling.chunk, length),
                               [&]<int count>(const auto& offsets, std::int64_t position) {
                                 input.template add<count>(values, offsets, position);
                               });
  }
  for (int half = F::pack / 2; half > 0; half /= 2)
    for (int j = 0; j < half; ++j) values[j] = f.op(values[j], values[j + half]);
  const Value value = tile_reduce(tiling, values[0], f.op);
  if (tile.slice != 0 || tile.result >= results) return;
  if (partials != nullptr) {
    partials[tile.chunk * results + tile.result] = value;
  } else {
    f.store(base[F::operands], value);
  }
}

// Folds `reduced` (the inputs) for each element of `kept` (the inputs, then the result).
template <typename F>
void fold(const char* op, Device device, const F& f, const LoopNest& kept, const LoopNest& reduced) {
  using Value = typename F::Value;
  const Tiling tiling = make_tiling(kept, reduced, f.addresses(), F::pack, F::element_bytes);
  const auto run = [&](Value* partials) {
    launch(op, device, {tiling.blocks(), tile_threads}, fold_kernel<F>, f, tiling,
           WideIndex<F::operands + 1>(kept), kept.numel, WideIndex<F::operands>(reduced), reduced.numel,
           partials);
  };
  if (tiling.chunks == 1) return run(nullptr);
  const std::int64_t bytes = tiling.chunks * kept.numel * static_cast<std::int64_t>(sizeof(Value));
  const Scratch memory(bytes, DType::uint8, device);
  Value* const partials = memory.data<Value>();  // (chunks, kept)
  run(partials);
  LoopNest results = with_dense_operand(kept, 0);
  for (auto& strides : results.strides) strides[1] = strides[F::operands];
  fold(op, device, f.of_partials(partials), results, line_nest(tiling.chunks, {kept.numel}));
}

// The fold over the partial results of F's chunks.
template <typename F>
struct PartialFold {
  using Value = typename F::Value;
  static constexpr int operands = 1, pack = 1;
  static constexpr std::size_t element_bytes = sizeof(Value);
  decltype(F::op) op;
  const Value* partials;
  F f;

  __device__ const PartialFold& of_result(std::int64_t) const { return *this; }
  template <int>
  __device__ void add(Value* values, const std::int64_t* offsets, std::int64_t) const {
    values[0] = op(values[0], partials[offsets[0]]);
  }
  __device__ void store(std::int64_t offset, const Value& value) const { f.store(offset, value); }
  std::array<const void*, 1> addresses() const { return {partials}; }
  PartialFold of_partials(const Value* values) const { return {op, values, f}; }
};

}  // namespace metron::cuda
