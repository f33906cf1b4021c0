// 3. A block of 32 x 32 threads computes a tile of y of that size. For every 32 steps along k it stages a
// tile of a and one of b in shared memory, one element per thread, and uses each element 32 times.
//
// Moves 4 (M N K / 32 + M N K / 32) bytes, a thirty-second of the previous kernel. Each multiply-add reads
// two elements of shared memory, which is the new bottleneck.
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/matmul/lab/matmul_lab.h>

namespace metron::cuda::lab {
namespace {

constexpr int side = 32;

__global__ void __launch_bounds__(side* side)
    matmul_shared_kernel(const float* a, const float* b, float* y, std::int64_t m, std::int64_t n,
                         std::int64_t k) {
  __shared__ float a_tile[side][side], b_tile[side][side];
  const std::int64_t tiles = (n + side - 1) / side;
  const int x = static_cast<int>(threadIdx.x), r = static_cast<int>(threadIdx.y);
  const std::int64_t row = blockIdx.x / tiles * side + r, column = blockIdx.x % tiles * side + x;
  float sum = 0;
  for (std::int64_t first = 0; first < k; first += side) {
    a_tile[r][x] = row < m && first + x < k ? a[row * k + first + x] : 0.f;
    b_tile[r][x] = first + r < k && column < n ? b[(first + r) * n + column] : 0.f;
    __syncthreads();  // the tiles are loaded
    for (int i = 0; i < side; ++i) sum += a_tile[r][i] * b_tile[i][x];
    __syncthreads();  // and no longer in use
  }
  if (row < m && column < n) y[row * n + column] = sum;
}

}  // namespace

void matmul_shared(const Tensor& a, const Tensor& b, Tensor& y) {
  const std::int64_t tiles = ceil_div(y.size(0), side) * ceil_div(y.size(1), side);
  launch("matmul_shared", y.device(), {static_cast<unsigned>(tiles), {side, side}}, matmul_shared_kernel,
         a.data<float>(), b.data<float>(), y.mutable_data<float>(), a.size(0), b.size(1), a.size(1));
}

}  // namespace metron::cuda::lab
