// Register-blocked multiplication shared by the implicit GEMMs of a convolution: 128 threads multiply a tile
// of A (depth, rows) by a tile of B (depth, 128), both in shared memory.
//
// The four warps are arranged 2 x 2, the lanes of a warp 4 x 8. Each lane accumulates thread_rows x 8 results
// in 16-byte vectors. Eight lanes read the same vector of A and four the same vector of B, so a read of B
// covers 128 bytes in 32 banks: no bank conflicts. Rows are padded by sixteen bytes to avoid bank conflicts
// between lanes that store to adjacent rows (k, k + 1, ...).
#pragma once

#include <cstdint>
#include <metron/kernels/cuda/map.cuh>

namespace metron::cuda {

template <typename T, int thread_rows_>
struct ConvTile {
  static constexpr int threads = 128;
  static constexpr int vector_width = 16 / static_cast<int>(sizeof(T));
  static constexpr int thread_rows = thread_rows_;
  static constexpr int thread_columns = 8;
  static constexpr int rows = 8 * thread_rows;
  static constexpr int columns = 128;
  using Vector = Pack<T, vector_width>;

  template <int depth>
  struct alignas(16) Operands {
    T a[depth][rows + vector_width];
    T b[depth][columns + vector_width];
  };

  // The first row and column of this thread's vectors. Its next vectors are 4 vectors down and 8 across.
  static constexpr int row_step = 4 * vector_width;
  static constexpr int column_step = 8 * vector_width;
  static __device__ int first_row() {
    const int thread = static_cast<int>(threadIdx.x);
    return thread / 64 * (4 * thread_rows) + thread % 32 / 8 * vector_width;
  }
  static __device__ int first_column() {
    const int thread = static_cast<int>(threadIdx.x);
    return thread / 32 % 2 * 64 + thread % 8 * vector_width;
  }

  template <int depth>
  static __device__ __forceinline__ void multiply(const Operands<depth>& operands,
                                                  T (&sums)[thread_rows][thread_columns]) {
    const int row = first_row(), column = first_column();
#pragma unroll
    for (int k = 0; k < depth; ++k) {
      T a[thread_rows], b[thread_columns];
#pragma unroll
      for (int i = 0; i < thread_rows; i += vector_width)
        *reinterpret_cast<Vector*>(a + i) =
            *reinterpret_cast<const Vector*>(&operands.a[k][row + i / vector_width * row_step]);
#pragma unroll
      for (int j = 0; j < thread_columns; j += vector_width)
        *reinterpret_cast<Vector*>(b + j) =
            *reinterpret_cast<const Vector*>(&operands.b[k][column + j / vector_width * column_step]);
#pragma unroll
      for (int i = 0; i < thread_rows; ++i) {
#pragma unroll
        for (int j = 0; j < thread_columns; ++j) sums[i][j] += a[i] * b[j];
      }
    }
  }
};

}  // namespace metron::cuda
