// Host side of a matrix product: operand layouts, the plan, and one or two launches.
#pragma once

#include <metron/core/tensor.h>
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/matmul/matmul_multiply.h>
#include <metron/kernels/cuda/matmul/matmul_plan.h>

#include <bit>
#include <cstdlib>
#include <limits>
#include <metron/kernels/cuda/matmul/matmul_skinny.cuh>
#include <metron/kernels/cuda/matmul/matmul_split.cuh>
#include <metron/kernels/cuda/matmul/matmul_tile.cuh>
#include <utility>

namespace metron::cuda {

// Whether `data` and all strides are multiples of `count` elements.
template <typename T>
bool steps_in(int count, const T* data, std::initializer_list<std::int64_t> steps) {
  const std::size_t bytes = sizeof(T) * static_cast<std::size_t>(count);
  return std::bit_cast<std::uintptr_t>(data) % bytes == 0 &&
         std::all_of(steps.begin(), steps.end(), [&](std::int64_t step) { return step % count == 0; });
}

// Whether the first of two axes is the inner one, by size and stride.
inline bool is_inner_axis(std::int64_t size, std::int64_t stride, std::int64_t other_size,
                          std::int64_t other_stride) {
  if (size == 1 || other_size == 1) return size != 1;
  return std::abs(stride) < std::abs(other_stride);
}

template <typename T>
Operand<T> operand(const Tensor& x, bool outer_first) {
  const int rank = x.rank();
  const int outer = outer_first ? rank - 2 : rank - 1, k = outer_first ? rank - 1 : rank - 2;
  const auto stride = [&](int axis) { return x.shape()[axis] == 1 ? 0 : x.strides()[axis]; };
  Operand<T> result{x.data<T>(), rank == 3 ? stride(0) : 0, stride(outer), stride(k), 0, false, false};
  result.step = result.k * tile_depth<T> * static_cast<std::int64_t>(sizeof(T));
  result.k_major = is_inner_axis(x.shape()[k], result.k, x.shape()[outer], result.outer);
  constexpr int width = 16 / static_cast<int>(sizeof(T));
  const int unit = result.k_major ? k : outer;
  result.vectors = stride(unit) == 1 && x.shape()[unit] % width == 0 &&
                   steps_in(width, result.data, {result.batch, result.k_major ? result.outer : result.k});
  return result;
}

template <typename Out>
Result<Out> result(Out* data, const ProductSize& size, std::int64_t batch, std::int64_t split,
                   std::int64_t row, std::int64_t column) {
  constexpr int width = 16 / static_cast<int>(sizeof(Real<Out>));
  return {data,
          batch,
          split,
          row,
          column,
          is_inner_axis(size.m, row, size.n, column),
          column == 1 && steps_in(width, data, {batch, split, row})};
}

template <typename T, typename Out>
Product<T, Out> transposed(const Product<T, Out>& p) {
  return {.size = transposed(p.size),
          .a = p.b,
          .b = p.a,
          .y = result(p.y.data, transposed(p.size), p.y.batch, p.y.split, p.y.column, p.y.row),
          .bias = {p.bias.data, p.bias.column, p.bias.row, p.bias.vectors},
          .relu = p.relu};
}

// Launches kernel(p, plan.grid, args...). The grid is one-dimensional, as only x can be large. Batches that
// exceed it take further launches.
template <typename T, typename Out, typename... Args>
void launch_blocks(Device device, Product<T, Out> p, const ProductPlan& plan, int threads,
                   void (*kernel)(Product<T, Out>, BlockGrid, Args...), Args... args) {
  const std::int64_t fitting = std::numeric_limits<int>::max() / plan.blocks_of_matrix();
  for (std::int64_t done = 0; done < p.size.batches; done += fitting) {
    const std::int64_t batches = std::min(fitting, p.size.batches - done);
    const LaunchShape shape{static_cast<unsigned>(batches * plan.blocks_of_matrix()),
                            static_cast<unsigned>(threads), 0};
    launch("matmul", device, shape, kernel, p, plan.grid, args...);
    p.a.data += fitting * p.a.batch;
    p.b.data += fitting * p.b.batch;
    p.y.data += fitting * p.y.batch;
  }
}

template <typename Tile, typename Out>
void launch_tiles(Device device, const Product<typename Tile::T, Out>& p, const ProductPlan& plan) {
  using Acc = typename Tile::Acc;
  const std::int64_t blocks =
      std::min<std::int64_t>(plan.blocks_of_matrix() * p.size.batches, std::numeric_limits<int>::max());
  const std::int64_t depth = std::min(p.size.k, plan.grid.split_depth);
  const ChainTotals<Acc> totals(device, depth, blocks * Tile::rows * Tile::columns);
  constexpr bool is_large = Tile::rows == 128;
  const auto run = [&]<bool has_long_sums>() {
    launch_blocks(device, p, plan, Tile::threads, tile_product_kernel<Tile, Out, has_long_sums>,
                  totals.data());
  };
  if constexpr (is_large) {
    if (depth <= chain_length) return run.template operator()<false>();
  }
  run.template operator()<has_chains<Acc>>();
}

template <typename T, bool vectors, typename Out>
void launch_tiles(Device device, const Product<T, Out>& p, const ProductPlan& plan) {
  if (plan.kernel == ProductKernel::flat_tiles)
    return launch_tiles<Tile<T, 16, 128, 4, 4, 4, vectors>, Out>(device, p, plan);
  if constexpr (std::is_same_v<T, double>) {
    launch_tiles<Tile<T, 64, 64, 4, 4, 2, vectors>, Out>(device, p, plan);
  } else {
    if constexpr (vectors && std::is_same_v<T, Out>) {
      if (plan.kernel == ProductKernel::large_tiles)
        return launch_tiles<Tile<T, 128, 128, 8, 8, 2, vectors>, Out>(device, p, plan);
    }
    launch_tiles<Tile<T, 64, 64, 8, 4, 4, vectors>, Out>(device, p, plan);
  }
}

template <typename T, int rows, typename Out>
void launch_skinny(Device device, const Product<T, Out>& p, const ProductPlan& plan) {
  if (plan.kernel == ProductKernel::dots) {
    launch_blocks(device, p, plan, dot_threads, dot_product_kernel<T, Out, rows>, plan.team_warps);
  } else {
    launch_blocks(device, p, plan, column_warps * warp_size, column_product_kernel<T, Out, rows>);
  }
}

template <typename T, typename Out>
void launch_plan(Device device, Product<T, Out> p, const ProductPlan& plan) {
  if (plan.transposed) p = transposed(p);
  if (plan.kernel == ProductKernel::dots || plan.kernel == ProductKernel::columns) {
    p.size.m == 1 ? launch_skinny<T, 1>(device, p, plan) : launch_skinny<T, skinny_rows>(device, p, plan);
  } else if (p.a.vectors && p.b.vectors) {
    launch_tiles<T, true>(device, p, plan);
  } else {
    launch_tiles<T, false>(device, p, plan);
  }
}

template <typename T>
void multiply(const Tensor& a, const Tensor& b, const Tensor& bias, bool relu, Tensor& y) {
  if (y.numel() == 0) return;
  using Acc = Real<T>;
  const Device device = y.device();
  const Strides& strides = y.strides();
  const int rank = y.rank();
  const ProductSize size_given{rank == 3 ? y.size(0) : 1, y.size(-2), y.size(-1), a.size(-1)};
  Product<T, T> p{.size = size_given,
                  .a = operand<T>(a, true),
                  .b = operand<T>(b, false),
                  .y = result(y.mutable_data<T>(), size_given, rank == 3 ? strides[0] : 0, 0,
                              strides[rank - 2], strides[rank - 1]),
                  .bias = {},
                  .relu = relu};
  if (bias.defined()) {
    const bool vectors =
        bias.strides()[0] == 1 && steps_in(16 / static_cast<int>(sizeof(Acc)), bias.data<T>(), {});
    p.bias = {bias.data<T>(), 0, bias.strides()[0], vectors};
  }
  if (p.y.column_major) p = transposed(p);  // so that results are stored along y's inner axis
  const ProductSize& size = p.size;
  if (size.k == 0) return reduce_split_k<Acc>(device, p, nullptr, 0);

  const ProductLayout layout{p.a.k_major, p.b.k_major, p.a.vectors && p.b.vectors, !std::is_same_v<T, double>,
                             static_cast<int>(sizeof(T))};
  const ProductPlan plan = plan_product(size, layout, multiprocessors(device.index()));
  if (plan.grid.splits == 1) return launch_plan(device, p, plan);

  const std::int64_t matrix = size.m * size.n;
  const std::int64_t part = size.batches * matrix;
  Tensor parts = Tensor::empty({plan.grid.splits, part}, {dtype_of<Acc>, device});
  const Product<T, Acc> partial{.size = size,
                                .a = p.a,
                                .b = p.b,
                                .y = result(parts.mutable_data<Acc>(), size, matrix, part, size.n, 1),
                                .bias = {},
                                .relu = false};
  launch_plan(device, partial, plan);
  reduce_split_k<Acc>(device, p, parts.data<Acc>(), static_cast<int>(plan.grid.splits));
}

}  // namespace metron::cuda
