// 1. One thread per row, three passes over it.
//
// The lanes of a warp access addresses one row apart. With eight or more columns each 4-byte access takes a
// 32-byte sector of its own, in all three passes and in the store. A small number of rows leaves the device
// idle. Bound by memory transactions, eight times the minimum.
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/softmax/lab/softmax_lab.h>

#include <cmath>
#include <limits>

namespace metron::cuda::lab {
namespace {

constexpr int threads = 128;

__global__ void __launch_bounds__(threads)
    softmax_naive_kernel(const float* x, std::int64_t rows, std::int64_t columns, float* y) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  if (row >= rows) return;
  const float* const from = x + row * columns;
  float largest = -std::numeric_limits<float>::infinity();
  for (std::int64_t c = 0; c < columns; ++c) largest = fmaxf(largest, from[c]);
  float sum = 0;
  for (std::int64_t c = 0; c < columns; ++c) sum += expf(from[c] - largest);
  for (std::int64_t c = 0; c < columns; ++c) y[row * columns + c] = expf(from[c] - largest) / sum;
}

}  // namespace

void softmax_naive(const Tensor& x, Tensor& y) {
  launch("softmax_naive", y.device(), {static_cast<unsigned>(ceil_div(x.size(0), threads)), threads},
         softmax_naive_kernel, x.data<float>(), x.size(0), x.size(1), y.mutable_data<float>());
}

}  // namespace metron::cuda::lab
