// Folds: results that are made of a range of elements each, of one or more operands of any strides.
//
// A block is a tile of results by shares of their range. Where the innermost axis is reduced, neighbouring
// threads share a range, up to a warp or the whole block, and read sixteen bytes at a time where that is
// aligned; where it is kept, neighbouring threads have neighbouring results. A thread folds at most 64
// elements and threads are folded as a tree, so the rounding error grows with the logarithm of the length: a
// longer range is cut into chunks whose results are folded in turn. The operands are read once, which is the
// least: bound by memory.
#pragma once

#include <array>
#include <metron/kernels/cuda/reduce/tile.cuh>

namespace metron::cuda {

// A fold F has
//   Value                     what is folded, by the associative `op` with an `identity`
//   operands, pack            how many inputs; how many elements of one make a load
//   add<count>(values, offsets, position)  adds element j of `count` neighbours to values[j]
//   store(offset, value)      writes a result at the last offset of `kept`
//   of_result(offset)         what is loaded once for a result, which has the `add`
//   addresses()               of the operands
//   of_partials(values)       the fold of results of chunks, which ends as this one does
template <typename F>
__global__ void __launch_bounds__(tile_threads, tile_blocks)
    fold_kernel(F f, Tiling tiling, WideIndex<F::operands + 1> kept, std::int64_t results,
                WideIndex<F::operands> range, std::int64_t length, typename F::Value* partials) {
  using Value = typename F::Value;
  const TilePlace place(tiling);
  std::int64_t base[F::operands + 1] = {};
  Value values[F::pack];
  for (int j = 0; j < F::pack; ++j) values[j] = f.op.identity;
  if (place.result < results) {
    kept.offsets(place.result, base);
    const auto& mine = f.of_result(base[F::operands]);
    const std::int64_t first = place.chunk * tiling.chunk;
    walk_share<F::pack>(tiling, place.share, range, base, first, min(first + tiling.chunk, length),
                        [&]<int count>(const auto& offsets, std::int64_t position) {
                          mine.template add<count>(values, offsets, position);
                        });
  }
  for (int half = F::pack / 2; half > 0; half /= 2)
    for (int j = 0; j < half; ++j) values[j] = f.op(values[j], values[j + half]);
  const Value value = tile_reduce(tiling, values[0], f.op);
  if (place.share != 0 || place.result >= results) return;
  if (partials != nullptr) {
    partials[place.chunk * results + place.result] = value;
  } else {
    f.store(base[F::operands], value);
  }
}

// Of `kept` results (the inputs, then the result) over `reduced` (the inputs).
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

// The fold of results of F's chunks.
template <typename F>
struct PartialFold {
  using Value = typename F::Value;
  static constexpr int operands = 1, pack = 1;
  static constexpr std::size_t element_bytes = sizeof(Value);
  decltype(F::op) op;
  const Value* partials;
  F whole;

  __device__ const PartialFold& of_result(std::int64_t) const { return *this; }
  template <int>
  __device__ void add(Value* values, const std::int64_t* offsets, std::int64_t) const {
    values[0] = op(values[0], partials[offsets[0]]);
  }
  __device__ void store(std::int64_t offset, const Value& value) const { whole.store(offset, value); }
  std::array<const void*, 1> addresses() const { return {partials}; }
  PartialFold of_partials(const Value* values) const { return {op, values, whole}; }
};

}  // namespace metron::cuda
