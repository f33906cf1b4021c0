// The register-blocked product that the implicit GEMMs of a convolution share: 128 threads multiply a tile of
// A (depth, rows) by one of B (depth, 128), both in shared memory.
//
// Four warps, two by two; the lanes of a warp four by eight; a lane holds thread_rows by 8 results, in pieces
// of sixteen bytes. A piece of A is read by eight lanes at once and a piece of B by four, so that a read of B
// takes 128 bytes of 32 banks and neither has a bank conflict. Rows of the tiles are sixteen bytes longer
// than they need be: then lanes that store pieces of neighbouring rows (k, k + 1, ...) meet different banks
// too.
#pragma once

#include <cstdint>
#include <metron/kernels/cuda/map.cuh>

namespace metron::cuda {

template <typename T, int thread_rows_>
struct ConvTile {
  static constexpr int threads = 128;
  static constexpr int piece = 16 / static_cast<int>(sizeof(T));
  static constexpr int thread_rows = thread_rows_;
  static constexpr int thread_columns = 8;
  static constexpr int rows = 8 * thread_rows;
  static constexpr int columns = 128;
  using Piece = Pack<T, piece>;

  template <int depth>
  struct alignas(16) Operands {
    T a[depth][rows + piece];
    T b[depth][columns + piece];
  };

  // The first row and column of this thread's pieces; the next pieces are 4 and 8 pieces further.
  static constexpr int row_step = 4 * piece;
  static constexpr int column_step = 8 * piece;
  static __device__ int first_row() {
    const int thread = static_cast<int>(threadIdx.x);
    return thread / 64 * (4 * thread_rows) + thread % 32 / 8 * piece;
  }
  static __device__ int first_column() {
    const int thread = static_cast<int>(threadIdx.x);
    return thread / 32 % 2 * 64 + thread % 8 * piece;
  }

  template <int depth>
  static __device__ __forceinline__ void multiply(const Operands<depth>& operands,
                                                  T (&sums)[thread_rows][thread_columns]) {
    const int row = first_row(), column = first_column();
#pragma unroll
    for (int k = 0; k < depth; ++k) {
      T a[thread_rows], b[thread_columns];
#pragma unroll
      for (int i = 0; i < thread_rows; i += piece)
        *reinterpret_cast<Piece*>(a + i) =
            *reinterpret_cast<const Piece*>(&operands.a[k][row + i / piece * row_step]);
#pragma unroll
      for (int j = 0; j < thread_columns; j += piece)
        *reinterpret_cast<Piece*>(b + j) =
            *reinterpret_cast<const Piece*>(&operands.b[k][column + j / piece * column_step]);
#pragma unroll
      for (int i = 0; i < thread_rows; ++i) {
#pragma unroll
        for (int j = 0; j < thread_columns; ++j) sums[i][j] += a[i] * b[j];
      }
    }
  }
};

}  // namespace metron::cuda
