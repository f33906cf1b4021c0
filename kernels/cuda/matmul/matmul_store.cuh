// A thread's sums of a tile of y: started with the bias, and stored.
//
// A warp holds its part of a tile in patches of 4 x 8 pieces, a piece being a square of as many rows and
// columns as sixteen bytes hold sums: a thread has the same piece of each patch. Where rows of y are aligned
// a piece's row is one store, eight neighbouring threads filling a run; else a patch goes through shared
// memory, so that neighbouring threads store neighbouring elements, along whichever axis y has them.
#pragma once

#include <metron/kernels/cuda/matmul/matmul_product.h>
#include <metron/kernels/functors.h>

#include <metron/kernels/cuda/pack.cuh>

namespace metron::cuda {

inline constexpr int lane_rows = 4, lane_columns = 8;  // of a warp

// Where a thread's sums lie in y.
template <typename Tile>
struct ThreadPlace {
  static constexpr int width = Tile::width;
  int row, column;            // of its warp's part, in the tile
  int lane_row, lane_column;  // of its piece, in each patch

  __device__ ThreadPlace() {
    const int warp = static_cast<int>(threadIdx.x) / warp_size,
              lane = static_cast<int>(threadIdx.x) % warp_size;
    row = warp / Tile::warps_across * Tile::warp_rows;
    column = warp % Tile::warps_across * Tile::warp_columns;
    lane_row = lane / lane_columns * width;
    lane_column = lane % lane_columns * width;
  }
  // Of the thread's i-th row and j-th column.
  __device__ int row_of(int i) const { return row + i / width * (lane_rows * width) + lane_row + i % width; }
  __device__ int column_of(int j) const {
    return column + j / width * (lane_columns * width) + lane_column + j % width;
  }
};

// The biases of a piece's rows or columns, which lie `stride` apart and of which `extent` exist.
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
  const ThreadPlace<Tile> place;
#pragma unroll
  for (int i = 0; i < Tile::thread_rows; ++i) {
#pragma unroll
    for (int j = 0; j < Tile::thread_columns; ++j) sums[i][j] = 0;
  }
  if (bias.data == nullptr) return;
  if (bias.row != 0) {
#pragma unroll
    for (int g = 0; g < Tile::thread_rows; g += Tile::width) {
      const auto values = load_bias<Tile>(bias, bias.row, row + place.row_of(g), rows);
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
    const auto values = load_bias<Tile>(bias, bias.column, column + place.column_of(g), columns);
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

// `y` is the tile's first element; `rows` and `columns` of the tile exist.
template <typename Tile, typename Out>
__device__ __forceinline__ void store_vectors(
    const Result<Out>& result, Out* y, int rows, int columns, bool relu,
    const typename Tile::Acc (&sums)[Tile::thread_rows][Tile::thread_columns]) {
  const ThreadPlace<Tile> place;
#pragma unroll
  for (int i = 0; i < Tile::thread_rows; ++i) {
    const int r = place.row_of(i);
    if (r >= rows) continue;
#pragma unroll
    for (int g = 0; g < Tile::thread_columns; g += Tile::width) {
      const int c = place.column_of(g);
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

// Patch by patch through `stage`, the warp's own.
template <typename Tile, typename Out>
__device__ __forceinline__ void store_patches(
    const Result<Out>& result, Out* y, int rows, int columns, bool relu,
    const typename Tile::Acc (&sums)[Tile::thread_rows][Tile::thread_columns], typename Tile::Acc* stage) {
  const ThreadPlace<Tile> place;
  using Run = Pack<typename Tile::Acc, Tile::width>;
  constexpr int width = Tile::width;
  constexpr int elements = Tile::patch_rows * Tile::patch_columns / warp_size;  // of a thread
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
        store_pack(stage + (place.lane_row + i) * Tile::stage_stride + place.lane_column, run);
      }
      __syncwarp();
      const int first_row = place.row + gi * lane_rows, first_column = place.column + gj * lane_columns;
      for (int e = 0; e < elements; ++e) {
        // Across the patch, or down it by eight rows and four columns at once, which meet no bank twice.
        constexpr int bands = Tile::patch_rows / 8;
        const int at = e * warp_size + lane;
        const int r = result.along_rows ? e % bands * 8 + lane % 8 : at / Tile::patch_columns;
        const int c = result.along_rows ? e / bands * 4 + lane / 8 : at % Tile::patch_columns;
        if (first_row + r < rows && first_column + c < columns)
          y[(first_row + r) * result.row + (first_column + c) * result.column] =
              finished<Out>(stage[r * Tile::stage_stride + c], relu);
      }
    }
  }
}

}  // namespace metron::cuda
