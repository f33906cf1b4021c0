// 2. Adjacent threads along a row of y: two indices swapped.
//
// The 32 threads of a warp read 32 adjacent elements of b, in four sectors, and one element of a, a
// broadcast. An element of a is still read by N / 32 warps and an element of b by M threads: 4 (M N K + M N K
// / 32) bytes through the caches for M N K multiply-adds. Bound by cache bandwidth.
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/matmul/lab/matmul_lab.h>

namespace metron::cuda::lab {
namespace {

constexpr int threads = 256;

__global__ void __launch_bounds__(threads)
    matmul_coalesced_kernel(const float* a, const float* b, float* y, std::int64_t m, std::int64_t n,
                            std::int64_t k) {
  const std::int64_t element = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  if (element >= m * n) return;
  const std::int64_t row = element / n, column = element % n;
  float sum = 0;
  for (std::int64_t i = 0; i < k; ++i) sum += a[row * k + i] * b[i * n + column];
  y[row * n + column] = sum;
}

}  // namespace

void matmul_coalesced(const Tensor& a, const Tensor& b, Tensor& y) {
  const LaunchShape shape{static_cast<unsigned>(ceil_div(y.numel(), threads)), threads};
  launch("matmul_coalesced", y.device(), shape, matmul_coalesced_kernel, a.data<float>(), b.data<float>(),
         y.mutable_data<float>(), a.size(0), b.size(1), a.size(1));
}

}  // namespace metron::cuda::lab
