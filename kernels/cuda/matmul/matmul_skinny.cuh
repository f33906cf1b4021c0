// y = a @ b for few rows of a (or, transposed, few columns of b): each element of b is read once and used for
// all rows. The minimum traffic is b once, which bounds both kernels.
//
// dot_product_kernel, for K-major b: a team of one to eight warps computes four columns of y. Its threads
// iterate along k together, loading sixteen bytes of each column and row at a time. Shuffles reduce the sums
// within a warp, shared memory across warps.
//
// column_product_kernel, for b dense along n: a thread loads sixteen bytes of a row of b and iterates over k.
// The four warps of a block interleave the rows and reduce through shared memory. Loads of a are uniform
// across the warp.
//
// Registers per thread: at most 114 (two blocks of 256 threads) and 102. Throughput depends on the bytes in
// flight: a warp of either kernel has four loads of 512 bytes of b outstanding, 16 warps 32 KiB. Dot products
// store only four columns at a time, in up to twice the minimum number of sectors.
#pragma once

#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/matmul/matmul_product.h>

#include <metron/kernels/cuda/matmul/matmul_store.cuh>
#include <metron/kernels/cuda/reductions.cuh>

namespace metron::cuda {

inline constexpr int dot_threads = 256, dot_columns = 4;
inline constexpr int column_warps = 4;

template <typename T, typename Out>
__device__ void store_sum(const Product<T, Out>& p, const BlockGrid::Coordinates& block, std::int64_t row,
                          std::int64_t column, Real<T> sum) {
  if (p.bias.data != nullptr)
    sum += functor::convert<Real<T>>(p.bias.data[row * p.bias.row + column * p.bias.column]);
  p.y.data[p.y.offset(block.batch, block.split, row, column)] = finished<Out>(sum, p.relu);
}

// Reduces the first `count` values of each lane over the warp, a power of two. The total of value i ends up
// in lanes i * (32 / count) and up. Each step halves the number of values, so it takes hardly more shuffles
// than values.
template <int count, int distance = warp_size / 2, typename Acc, int size>
__device__ __forceinline__ Acc sum_over_lanes(Acc (&values)[size]) {
  if constexpr (count > 1) {
    constexpr int half = count / 2;
    const bool upper = (threadIdx.x & distance) != 0;
#pragma unroll
    for (int i = 0; i < half; ++i) {
      const Acc kept = upper ? values[i + half] : values[i];
      values[i] = kept + shuffle_xor(upper ? values[i] : values[i + half], distance);
    }
    return sum_over_lanes<half, distance / 2>(values);
  } else {
#pragma unroll
    for (int d = distance; d > 0; d /= 2) values[0] += shuffle_xor(values[0], d);
    return values[0];
  }
}

template <typename T, typename Out, int rows>
__global__ void __launch_bounds__(dot_threads, 2)
    dot_product_kernel(const Product<T, Out> p, const BlockGrid grid, const int team_warps) {
  using Acc = Real<T>;
  constexpr int width = 16 / static_cast<int>(sizeof(T));
  constexpr int warps = dot_threads / warp_size, count = rows * dot_columns;
  __shared__ Acc shared[warps][count];
  const BlockGrid::Coordinates block = grid.coordinates(blockIdx.x);
  const int warp = static_cast<int>(threadIdx.x) / warp_size, teams = warps / team_warps;
  const std::int64_t first_column = static_cast<std::int64_t>(block.column) * teams * dot_columns;
  const std::int64_t column = first_column + warp / team_warps * dot_columns;
  const std::int64_t k = block.split * grid.split_depth;
  const std::int64_t depth = p.size.k - k < grid.split_depth ? p.size.k - k : grid.split_depth;
  const int team_threads = team_warps * warp_size;
  const int thread = static_cast<int>(threadIdx.x) % team_threads;

  // Out-of-bounds rows and columns re-read the last one; their sums are dropped.
  const T *a[rows], *b[dot_columns];
#pragma unroll
  for (int r = 0; r < rows; ++r)
    a[r] = p.a.data + p.a.offset(block.batch, r < p.size.m ? r : p.size.m - 1, k);
#pragma unroll
  for (int c = 0; c < dot_columns; ++c)
    b[c] = p.b.data + p.b.offset(block.batch, column + c < p.size.n ? column + c : p.size.n - 1, k);
  Acc sums[count];
#pragma unroll
  for (int i = 0; i < count; ++i) sums[i] = 0;
  const auto add = [&]<int size>(std::integral_constant<int, size>, std::int64_t at) {
    Pack<T, size> right[dot_columns];
#pragma unroll
    for (int c = 0; c < dot_columns; ++c) right[c] = load_pack<size>(b[c] + at * p.b.k);
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const auto left = load_pack<size>(a[r] + at * p.a.k);
#pragma unroll
      for (int c = 0; c < dot_columns; ++c) {
#pragma unroll
        for (int i = 0; i < size; ++i)
          sums[r * dot_columns + c] +=
              functor::convert<Acc>(left.values[i]) * functor::convert<Acc>(right[c].values[i]);
      }
    }
  };
  if (p.a.vectors && p.a.k_major && p.b.vectors) {
    for (std::int64_t at = thread * width; at < depth; at += team_threads * width)
      add(std::integral_constant<int, width>{}, at);
  } else {
    for (std::int64_t at = thread; at < depth; at += team_threads) add(std::integral_constant<int, 1>{}, at);
  }

  const Acc sum = sum_over_lanes<count>(sums);
  constexpr int lanes = warp_size / count;  // that hold the same sum
  // Ordered by warp within the team, then by team: the threads below read adjacent elements.
  const int slot = warp % team_warps * teams + warp / team_warps;
  if (threadIdx.x % lanes == 0) shared[slot][threadIdx.x % warp_size / lanes] = sum;
  __syncthreads();
  if (static_cast<int>(threadIdx.x) >= teams * count) return;
  const int team = static_cast<int>(threadIdx.x) / count, value = static_cast<int>(threadIdx.x) % count;
  Acc total = 0;
  for (int w = 0; w < team_warps; ++w) total += shared[w * teams + team][value];
  const int r = value / dot_columns;
  const std::int64_t c = first_column + team * dot_columns + value % dot_columns;
  if (r < p.size.m && c < p.size.n) store_sum(p, block, r, c, total);
}

template <typename T, typename Out, int rows>
__global__ void __launch_bounds__(column_warps* warp_size)
    column_product_kernel(const Product<T, Out> p, const BlockGrid grid) {
  using Acc = Real<T>;
  constexpr int width = 16 / static_cast<int>(sizeof(T)), columns = warp_size * width;
  // Value i of lane l is at i * stride + l: no bank conflicts, for contiguous and strided columns alike.
  constexpr int stride = warp_size + 128 / static_cast<int>(sizeof(Acc)) / width;
  __shared__ Acc shared[column_warps][rows][width * stride];
  const BlockGrid::Coordinates block = grid.coordinates(blockIdx.x);
  const int warp = static_cast<int>(threadIdx.x) / warp_size,
            lane = static_cast<int>(threadIdx.x) % warp_size;
  const std::int64_t k = block.split * grid.split_depth;
  const std::int64_t depth = p.size.k - k < grid.split_depth ? p.size.k - k : grid.split_depth;
  const std::int64_t first_column = static_cast<std::int64_t>(block.column) * columns;
  const bool vectors = p.b.vectors;
  const std::int64_t column = first_column + (vectors ? lane * width : lane);

  const T *a[rows], *b = p.b.data + p.b.offset(block.batch, column, k);
#pragma unroll
  for (int r = 0; r < rows; ++r)
    a[r] = p.a.data + p.a.offset(block.batch, r < p.size.m ? r : p.size.m - 1, k);
  Acc sums[rows][width];
#pragma unroll
  for (int r = 0; r < rows; ++r) {
#pragma unroll
    for (int i = 0; i < width; ++i) sums[r][i] = 0;
  }
  const auto add = [&](Pack<T, width> right, std::int64_t at) {
#pragma unroll
    for (int r = 0; r < rows; ++r) {
      const Acc left = functor::convert<Acc>(a[r][at * p.a.k]);
#pragma unroll
      for (int i = 0; i < width; ++i) sums[r][i] += left * functor::convert<Acc>(right.values[i]);
    }
  };
  if (vectors) {
    if (column < p.size.n) {  // and the whole vector
#pragma unroll 4
      for (std::int64_t at = warp; at < depth; at += column_warps) add(load_pack<width>(b + at * p.b.k), at);
    }
  } else {
    for (std::int64_t at = warp; at < depth; at += column_warps) {
      Pack<T, width> right;
#pragma unroll
      for (int i = 0; i < width; ++i)
        right.values[i] =
            column + i * warp_size < p.size.n ? b[at * p.b.k + i * warp_size * p.b.outer] : T(0);
      add(right, at);
    }
  }

#pragma unroll
  for (int r = 0; r < rows; ++r) {
#pragma unroll
    for (int i = 0; i < width; ++i) shared[warp][r][i * stride + lane] = sums[r][i];
  }
  __syncthreads();
  for (int e = static_cast<int>(threadIdx.x); e < rows * columns; e += column_warps * warp_size) {
    const int r = e / columns, c = e % columns;
    const int at = vectors ? c % width * stride + c / width : c / warp_size * stride + c % warp_size;
    Acc total = 0;
#pragma unroll
    for (int w = 0; w < column_warps; ++w) total += shared[w][r][at];
    if (r < p.size.m && first_column + c < p.size.n) store_sum(p, block, r, first_column + c, total);
  }
}

}  // namespace metron::cuda
