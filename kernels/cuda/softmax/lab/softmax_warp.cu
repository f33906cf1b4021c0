// 2. One warp per row: lanes load adjacent elements, and shuffles combine their maxima and sums.
//
// Each warp access is 128 contiguous bytes, the minimum number of transactions. The row is still read three
// times and each exponential computed twice: memory-bound, 16 bytes per element against a minimum of 8,
// unless the row stays in cache.
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/softmax/lab/softmax_lab.h>

#include <cmath>
#include <limits>

namespace metron::cuda::lab {
namespace {

constexpr int threads = 128;
constexpr int warps = threads / warp_size;

__global__ void __launch_bounds__(threads)
    softmax_warp_kernel(const float* x, std::int64_t rows, std::int64_t columns, float* y) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * warps + threadIdx.x / warp_size;
  if (row >= rows) return;  // uniform across the warp
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  const float* const from = x + row * columns;
  float largest = -std::numeric_limits<float>::infinity();
  for (std::int64_t c = lane; c < columns; c += warp_size) largest = fmaxf(largest, from[c]);
  for (int distance = warp_size / 2; distance > 0; distance /= 2)
    largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, distance));
  float sum = 0;
  for (std::int64_t c = lane; c < columns; c += warp_size) sum += expf(from[c] - largest);
  for (int distance = warp_size / 2; distance > 0; distance /= 2)
    sum += __shfl_xor_sync(0xffffffffu, sum, distance);
  for (std::int64_t c = lane; c < columns; c += warp_size)
    y[row * columns + c] = expf(from[c] - largest) / sum;
}

}  // namespace

void softmax_warp(const Tensor& x, Tensor& y) {
  launch("softmax_warp", y.device(), {static_cast<unsigned>(ceil_div(x.size(0), warps)), threads},
         softmax_warp_kernel, x.data<float>(), x.size(0), x.size(1), y.mutable_data<float>());
}

}  // namespace metron::cuda::lab
