// 4. A block of 16 x 16 threads computes a tile of 64 x 64, a thread 4 x 4 elements in registers: for each k
// it reads four elements of a and four of b, and computes their outer product.
//
// Moves 4 (M N K / 64 + M N K / 64) bytes, half of the previous kernel, and reads half an element of shared
// memory per multiply-add, a quarter of before. A thread's rows and columns are 16 apart, so that 16 threads
// read 16 adjacent elements: no bank conflicts. The tile of a is stored transposed, with rows padded by two
// elements to avoid bank conflicts on the store. Still bound by shared memory; ../matmul_tile.cuh adds vector
// loads and larger register tiles.
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/matmul/lab/matmul_lab.h>

namespace metron::cuda::lab {
namespace {

constexpr int tile = 64, depth = 16, side = 16, thread_tile = tile / side;

__global__ void __launch_bounds__(side* side)
    matmul_registers_kernel(const float* a, const float* b, float* y, std::int64_t m, std::int64_t n,
                            std::int64_t k) {
  __shared__ float a_tile[depth][tile + 2], b_tile[depth][tile];
  const std::int64_t tiles = (n + tile - 1) / tile;
  const std::int64_t row = blockIdx.x / tiles * tile, column = blockIdx.x % tiles * tile;
  const int thread = static_cast<int>(threadIdx.x), x = thread % side, r = thread / side;
  float sums[thread_tile][thread_tile] = {};
  for (std::int64_t first = 0; first < k; first += depth) {
    for (int e = thread; e < tile * depth; e += side * side) {
      const int ai = e / depth, ak = e % depth, bk = e / tile, bj = e % tile;
      a_tile[ak][ai] = row + ai < m && first + ak < k ? a[(row + ai) * k + first + ak] : 0.f;
      b_tile[bk][bj] = first + bk < k && column + bj < n ? b[(first + bk) * n + column + bj] : 0.f;
    }
    __syncthreads();
    for (int i = 0; i < depth; ++i) {
      float left[thread_tile], right[thread_tile];
#pragma unroll
      for (int s = 0; s < thread_tile; ++s) {
        left[s] = a_tile[i][r + s * side];
        right[s] = b_tile[i][x + s * side];
      }
#pragma unroll
      for (int s = 0; s < thread_tile; ++s) {
#pragma unroll
        for (int t = 0; t < thread_tile; ++t) sums[s][t] += left[s] * right[t];
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int s = 0; s < thread_tile; ++s) {
#pragma unroll
    for (int t = 0; t < thread_tile; ++t) {
      const std::int64_t i = row + r + s * side, j = column + x + t * side;
      if (i < m && j < n) y[i * n + j] = sums[s][t];
    }
  }
}

}  // namespace

void matmul_registers(const Tensor& a, const Tensor& b, Tensor& y) {
  const std::int64_t tiles = ceil_div(y.size(0), tile) * ceil_div(y.size(1), tile);
  launch("matmul_registers", y.device(), {static_cast<unsigned>(tiles), side * side}, matmul_registers_kernel,
         a.data<float>(), b.data<float>(), y.mutable_data<float>(), a.size(0), b.size(1), a.size(1));
}

}  // namespace metron::cuda::lab
