// 1. One thread per element of y, adjacent threads along a column.
//
// The 32 threads of a warp read 32 rows of a: each load fetches 32 sectors of 32 bytes and uses four bytes of
// each, and so does the store. Moves 32 (M N K + M N) bytes for a and y; bound by these transactions.
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/matmul/lab/matmul_lab.h>

namespace metron::cuda::lab {
namespace {

constexpr int threads = 256;

__global__ void __launch_bounds__(threads)
    matmul_naive_kernel(const float* a, const float* b, float* y, std::int64_t m, std::int64_t n,
                        std::int64_t k) {
  const std::int64_t element = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  if (element >= m * n) return;
  const std::int64_t row = element % m, column = element / m;
  float sum = 0;
  for (std::int64_t i = 0; i < k; ++i) sum += a[row * k + i] * b[i * n + column];
  y[row * n + column] = sum;
}

}  // namespace

void matmul_naive(const Tensor& a, const Tensor& b, Tensor& y) {
  const LaunchShape shape{static_cast<unsigned>(ceil_div(y.numel(), threads)), threads};
  launch("matmul_naive", y.device(), shape, matmul_naive_kernel, a.data<float>(), b.data<float>(),
         y.mutable_data<float>(), a.size(0), b.size(1), a.size(1));
}

}  // namespace metron::cuda::lab
