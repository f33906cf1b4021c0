// The kernels of docs/writing-kernels.md, step by step: y (columns, rows) = the transpose of x (rows,
// columns).
#include "guide.h"

namespace {

constexpr int tile_size = 32;

// Without a bounds check, threads past the edge read out of bounds.
__global__ void unguarded_kernel(float* y, const float* x, int rows, int columns) {
  const int column = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int row = static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y);
  y[column * rows + row] = x[row * columns + column];
}

__global__ void __launch_bounds__(tile_size* tile_size)
    naive_kernel(float* y, const float* x, int rows, int columns) {
  const int column = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int row = static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y);
  if (row < rows && column < columns) y[column * rows + row] = x[row * columns + column];
}

// A shared-memory tile coalesces both sides, but its rows are read before all of them are written.
__global__ void racing_kernel(float* y, const float* x, int rows, int columns) {
  __shared__ float tile[tile_size][tile_size];
  const int tx = static_cast<int>(threadIdx.x), ty = static_cast<int>(threadIdx.y);
  const int left = static_cast<int>(blockIdx.x) * tile_size, top = static_cast<int>(blockIdx.y) * tile_size;
  if (top + ty < rows && left + tx < columns) tile[ty][tx] = x[(top + ty) * columns + left + tx];
  if (left + ty < columns && top + tx < rows) y[(left + ty) * rows + top + tx] = tile[tx][ty];
}

template <int width>
__global__ void __launch_bounds__(tile_size* tile_size)
    tile_kernel(float* y, const float* x, int rows, int columns) {
  __shared__ float tile[tile_size][width];
  const int tx = static_cast<int>(threadIdx.x), ty = static_cast<int>(threadIdx.y);
  const int left = static_cast<int>(blockIdx.x) * tile_size, top = static_cast<int>(blockIdx.y) * tile_size;
  if (top + ty < rows && left + tx < columns) tile[ty][tx] = x[(top + ty) * columns + left + tx];
  __syncthreads();
  if (left + ty < columns && top + tx < rows) y[(left + ty) * rows + top + tx] = tile[tx][ty];
}

template <class Kernel>
cudaError_t run_tiles(Kernel* kernel, float* y, const float* x, int rows, int columns) {
  const auto tiles = [](int size) { return static_cast<unsigned>((size + tile_size - 1) / tile_size); };
  return run(kernel, dim3(tiles(columns), tiles(rows)), dim3(tile_size, tile_size), 0, y, x, rows, columns);
}

}  // namespace

cudaError_t transpose_unguarded(float* y, const float* x, int rows, int columns) {
  return run_tiles(unguarded_kernel, y, x, rows, columns);
}
cudaError_t transpose_naive(float* y, const float* x, int rows, int columns) {
  return run_tiles(naive_kernel, y, x, rows, columns);
}
cudaError_t transpose_racing(float* y, const float* x, int rows, int columns) {
  return run_tiles(racing_kernel, y, x, rows, columns);
}
cudaError_t transpose_tiled(float* y, const float* x, int rows, int columns, bool padded) {
  return run_tiles(padded ? tile_kernel<tile_size + 1> : tile_kernel<tile_size>, y, x, rows, columns);
}
