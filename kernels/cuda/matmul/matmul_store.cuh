// The accumulators of a thread: initialized with the bias, and stored to y.
//
// A warp's part of a tile is made of patches of 4 x 8 chunks. A chunk is a square with as many rows and
// columns as sixteen bytes hold accumulators, and a thread has the same chunk of each patch. If rows of y are
// aligned, a chunk's row is one vector store, and eight adjacent threads write a contiguous run. Otherwise a
// patch is transposed through shared memory, so that stores are coalesced along whichever axis of y is dense.
#pragma once

#include <metron/kernels/cuda/matmul/matmul_product.h>
#include <metron/kernels/functors.h>

#include <metron/kernels/cuda/pack.cuh>

namespace metron::cuda {

inline constexpr int lane_rows = 4, lane_columns = 8;  // per warp

// A thread's coordinates within a tile of y.
template <typename Tile>
struct ThreadCoordinates {
  static constexpr int width = Tile::width;
  int row, column;            // of its warp, in the tile
  int lane_row, lane_column;  // of its chunk, in each patch

  __device__ ThreadCoordinates() {
    const int warp = static_cast<int>(threadIdx.x) / warp_size,
              lane = static_cast<int>(threadIdx.x) % warp_size;
    row = warp / Tile::warps_across * Tile::warp_rows;
    column = warp % Tile::warps_across * Tile::warp_columns;
    lane_row = lane / lane_columns * width;
    lane_column = lane % lane_columns * width;
  }
  // The tile row of accumulator row i, the tile column of accumulator column j.
  __device__ int row_of(int i) const { return row + i / width * (lane_rows * width) + lane_row + i % width; }
  __device__ int column_of(int j) const {
    return column + j / width * (lane_columns * width) + lane_column + j % width;
  }
};

// The biases of a chunk's rows or columns, `stride` apart; `extent` bounds the valid ones.
template <typename Tile, typename T>
__device__ __forceinline__ Pack<T, Tile::width> load_bias(const Bias<T>& bias, std::int64_t stride,
                                                          std::int64_t first, std::int64_t extent) {
  if (bias.vectors && first + Tile::width <= extent) return load_pack<Tile::width>(bias.data + first);
  Pack<T, Tile::width> values;
#pragma unroll
  for (int i = 0; i < Tile::width; ++i)
    values.values[i] = first + i < extent ? bias.data[(first + i) * stride] : T(0);
  return values;
}

template <typename Tile, typename T>
__device__ __forceinline__ void start_sums(
    const Bias<T>& bias, std::int64_t row, std::int64_t column, std::int64_t rows, std::int64_t columns,
    typename Tile::Acc (&sums)[Tile::thread_rows][Tile::thread_columns]) {
  using Acc = typename Tile::Acc;
  const ThreadCoordinates<Tile> thread;
#pragma unroll
  for (int i = 0; i < Tile::thread_rows; ++i) {
#pragma unroll
    for (int j = 0; j < Tile::thread_columns; ++j) sums[i][j] = 0;
  }
  if (bias.data == nullptr) return;
  if (bias.row != 0) {
#pragma unroll
    for (int g = 0; g < Tile::thread_rows; g += Tile::width) {
      const auto values = load_bias<Tile>(bias, bias.row, row + thread.row_of(g), rows);
#pragma unroll
      for (int i = 0; i < Tile::width; ++i) {
#pragma unroll
        for (int j = 0; j < Tile::thread_columns; ++j)
          sums[g + i][j] = functor::convert<Acc>(values.values[i]);
      }
    }
    return;
  }
#pragma unroll
  for (int g = 0; g < Tile::thread_columns; g += Tile::width) {
    const auto values = load_bias<Tile>(bias, bias.column, column + thread.column_of(g), columns);
#pragma unroll
    for (int i = 0; i < Tile::thread_rows; ++i) {
#pragma unroll
      for (int j = 0; j < Tile::width; ++j) sums[i][g + j] = functor::convert<Acc>(values.values[j]);
    }
  }
}

template <typename Out, typename Acc>
__device__ Out finished(Acc sum, bool relu) {
  return functor::convert<Out>(relu ? functor::forward::relu<Acc>{}(sum) : sum);
}

// `y` points to the tile's first element; the tile has `rows` x `columns` valid elements.
template <typename Tile, typename Out>
__device__ __forceinline__ void store_vectors(
    const Result<Out>& result, Out* y, int rows, int columns, bool relu,
    const typename Tile::Acc (&sums)[Tile::thread_rows][Tile::thread_columns]) {
  const ThreadCoordinates<Tile> thread;
#pragma unroll
  for (int i = 0; i < Tile::thread_rows; ++i) {
    const int r = thread.row_of(i);
    if (r >= rows) continue;
#pragma unroll
    for (int g = 0; g < Tile::thread_columns; g += Tile::width) {
      const int c = thread.column_of(g);
      Out* const to = y + r * result.row + c;
      Pack<Out, Tile::width> values;
#pragma unroll
      for (int j = 0; j < Tile::width; ++j) values.values[j] = finished<Out>(sums[i][g + j], relu);
      if (c + Tile::width <= columns) {
        store_pack(to, values);
      } else {
#pragma unroll
        for (int j = 0; j < Tile::width; ++j) {
          if (c + j < columns) to[j] = values.values[j];
        }
      }
    }
  }
}

// Patch by patch through `stage`, the warp's slice of shared memory.
template <typename Tile, typename Out>
__device__ __forceinline__ void store_patches(
    const Result<Out>& result, Out* y, int rows, int columns, bool relu,
    const typename Tile::Acc (&sums)[Tile::thread_rows][Tile::thread_columns], typename Tile::Acc* stage) {
  const ThreadCoordinates<Tile> thread;
  using Run = Pack<typename Tile::Acc, Tile::width>;
  constexpr int width = Tile::width;
  constexpr int elements = Tile::patch_rows * Tile::patch_columns / warp_size;  // per thread
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
#pragma unroll
  for (int gi = 0; gi < Tile::thread_rows; gi += width) {
#pragma unroll
    for (int gj = 0; gj < Tile::thread_columns; gj += width) {
      __syncwarp();
#pragma unroll
      for (int i = 0; i < width; ++i) {
        Run run;
#pragma unroll
        for (int j = 0; j < width; ++j) run.values[j] = sums[gi + i][gj + j];
        store_pack(stage + (thread.lane_row + i) * Tile::stage_stride + thread.lane_column, run);
      }
      __syncwarp();
      const int first_row = thread.row + gi * lane_rows, first_column = thread.column + gj * lane_columns;
      for (int e = 0; e < elements; ++e) {
        // Across the patch, or down in blocks of eight rows by four columns: both avoid bank conflicts.
        constexpr int bands = Tile::patch_rows / 8;
        const int at = e * warp_size + lane;
        const int r = result.column_major ? e % bands * 8 + lane % 8 : at / Tile::patch_columns;
        const int c = result.column_major ? e / bands * 4 + lane / 8 : at % Tile::patch_columns;
        if (first_row + r < rows && first_column + c < columns)
          y[(first_row + r) * result.row + (first_column + c) * result.column] =
              finished<Out>(stage[r * Tile::stage_stride + c], relu);
      }
    }
  }
}

}  // namespace metron::cuda
