// y = a @ b for few rows of a (or, transposed, few columns of b): every element of b is read once and used
// for all rows. At least b must move once, and that is what limits both kernels.
//
// dot_product_kernel, where b is dense along k: a team of one to eight warps has four columns of y. Its
// threads walk along k together, sixteen bytes of each column and row at a time; sums meet by shuffles within
// a warp and through shared memory between warps.
//
// column_product_kernel, where b is dense along its columns: a thread has sixteen bytes of a row of b, and
// walks down; the four warps of a block take every fourth row each, and meet through shared memory. The
// elements of a are the same for a whole warp.
//
// Registers a thread: at most 114 (two blocks of 256 threads) and 102. What counts is how many bytes are on
// their way: a warp of either kernel has four loads of 512 bytes of b in flight, 16 warps 32 KiB. The few
// sums of dot products are stored four columns at a time, in up to twice the sectors that they could do with.
#pragma once

#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/matmul/matmul_product.h>

#include <metron/kernels/cuda/matmul/matmul_store.cuh>
#include <metron/kernels/cuda/reductions.cuh>

namespace metron::cuda {

inline constexpr int dot_threads = 256, dot_columns = 4;
inline constexpr int column_warps = 4;

template <typename T, typename Out>
__device__ void store_sum(const Product<T, Out>& p, const BlockGrid::Place& place, std::int64_t row,
                          std::int64_t column, Real<T> sum) {
  if (p.bias.data != nullptr)
    sum += functor::convert<Real<T>>(p.bias.data[row * p.bias.row + column * p.bias.column]);
  p.y.data[p.y.offset(place.batch, place.split, row, column)] = finished<Out>(sum, p.relu);
}

// The sums over a warp of the first `count` values of each lane, a power of two: that of value i ends in the
// lanes from i * (32 / count) on. Each step halves the values, so it takes hardly more shuffles than values.
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
  const BlockGrid::Place place = grid.place(blockIdx.x);
  const int warp = static_cast<int>(threadIdx.x) / warp_size, teams = warps / team_warps;
  const std::int64_t first_column = static_cast<std::int64_t>(place.column) * teams * dot_columns;
  const std::int64_t column = first_column + warp / team_warps * dot_columns;
  const std::int64_t k = place.split * grid.split_depth;
  const std::int64_t depth = p.size.k - k < grid.split_depth ? p.size.k - k : grid.split_depth;
  const int team_threads = team_warps * warp_size;
  const int thread = static_cast<int>(threadIdx.x) % team_threads;

  // Beyond the edges the last row or column is read again, and the sum dropped.
  const T *a[rows], *b[dot_columns];
#pragma unroll
  for (int r = 0; r < rows; ++r)
    a[r] = p.a.data + p.a.offset(place.batch, r < p.size.m ? r : p.size.m - 1, k);
#pragma unroll
  for (int c = 0; c < dot_columns; ++c)
    b[c] = p.b.data + p.b.offset(place.batch, column + c < p.size.n ? column + c : p.size.n - 1, k);
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
  if (p.a.vectors && p.a.along_k && p.b.vectors) {
    for (std::int64_t at = thread * width; at < depth; at += team_threads * width)
      add(std::integral_constant<int, width>{}, at);
  } else {
    for (std::int64_t at = thread; at < depth; at += team_threads) add(std::integral_constant<int, 1>{}, at);
  }

  const Acc sum = sum_over_lanes<count>(sums);
  constexpr int lanes = warp_size / count;  // that hold the same sum
  // The first warps of all teams, then the second ones: what the threads below read at once are neighbours.
  const int slot = warp % team_warps * teams + warp / team_warps;
  if (threadIdx.x % lanes == 0) shared[slot][threadIdx.x % warp_size / lanes] = sum;
  __syncthreads();
  if (static_cast<int>(threadIdx.x) >= teams * count) return;
  const int team = static_cast<int>(threadIdx.x) / count, value = static_cast<int>(threadIdx.x) % count;
  Acc total = 0;
  for (int w = 0; w < team_warps; ++w) total += shared[w * teams + team][value];
  const int r = value / dot_columns;
  const std::int64_t c = first_column + team * dot_columns + value % dot_columns;
  if (r < p.size.m && c < p.size.n) store_sum(p, place, r, c, total);
}

template <typename T, typename Out, int rows>
__global__ void __launch_bounds__(column_warps* warp_size)
    column_product_kernel(const Product<T, Out> p, const BlockGrid grid) {
  using Acc = Real<T>;
  constexpr int width = 16 / static_cast<int>(sizeof(T)), columns = warp_size * width;
  // Value i of lane l at i * stride + l: no bank twice, whether a thread's columns are neighbours or not.
  constexpr int stride = warp_size + 128 / static_cast<int>(sizeof(Acc)) / width;
  __shared__ Acc shared[column_warps][rows][width * stride];
  const BlockGrid::Place place = grid.place(blockIdx.x);
  const int warp = static_cast<int>(threadIdx.x) / warp_size,
            lane = static_cast<int>(threadIdx.x) % warp_size;
  const std::int64_t k = place.split * grid.split_depth;
  const std::int64_t depth = p.size.k - k < grid.split_depth ? p.size.k - k : grid.split_depth;
  const std::int64_t first_column = static_cast<std::int64_t>(place.column) * columns;
  const bool vectors = p.b.vectors;
  const std::int64_t column = first_column + (vectors ? lane * width : lane);

  const T *a[rows], *b = p.b.data + p.b.offset(place.batch, column, k);
#pragma unroll
  for (int r = 0; r < rows; ++r)
    a[r] = p.a.data + p.a.offset(place.batch, r < p.size.m ? r : p.size.m - 1, k);
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
    if (column < p.size.n) {  // and the whole piece
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
    if (r < p.size.m && first_column + c < p.size.n) store_sum(p, place, r, first_column + c, total);
  }
}

}  // namespace metron::cuda
