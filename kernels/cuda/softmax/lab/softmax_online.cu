// 3. One warp per row, with the maximum and the sum in one pass: a new maximum rescales the running sum
// (Milakov and Gimelshein, 2018, "Online normalizer calculation for softmax").
//
// The row is read twice; the second pass hits the cache for all but very long rows. Memory-bound, 12 bytes
// per element against a minimum of 8. Each lane keeps its own maximum and sum, merged at the end by two
// shuffles in each of five steps.
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/softmax/lab/softmax_lab.h>

#include <cmath>
#include <limits>

namespace metron::cuda::lab {
namespace {

constexpr int threads = 128;
constexpr int warps = threads / warp_size;
constexpr float lowest = -std::numeric_limits<float>::max();  // finite, so that the difference of two is 0

__global__ void __launch_bounds__(threads)
    softmax_online_kernel(const float* x, std::int64_t rows, std::int64_t columns, float* y) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * warps + threadIdx.x / warp_size;
  if (row >= rows) return;  // uniform across the warp
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  const float* const from = x + row * columns;
  float largest = lowest, sum = 0;
  for (std::int64_t c = lane; c < columns; c += warp_size) {
    const float before = largest, value = from[c];
    largest = fmaxf(before, value);
    sum = sum * expf(before - largest) + expf(value - largest);
  }
  for (int distance = warp_size / 2; distance > 0; distance /= 2) {
    const float other = __shfl_xor_sync(0xffffffffu, largest, distance);
    const float other_sum = __shfl_xor_sync(0xffffffffu, sum, distance);
    const float before = largest;
    largest = fmaxf(before, other);
    sum = sum * expf(before - largest) + other_sum * expf(other - largest);
  }
  for (std::int64_t c = lane; c < columns; c += warp_size)
    y[row * columns + c] = expf(from[c] - largest) / sum;
}

}  // namespace

void softmax_online(const Tensor& x, Tensor& y) {
  launch("softmax_online", y.device(), {static_cast<unsigned>(ceil_div(x.size(0), warps)), threads},
         softmax_online_kernel, x.data<float>(), x.size(0), x.size(1), y.mutable_data<float>());
}

}  // namespace metron::cuda::lab
