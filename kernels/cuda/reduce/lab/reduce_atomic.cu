// 1. One thread per element, added to the sum by an atomic.
//
// All N additions are serialized on one address, in an order that varies from run to run, and so do the last
// digits of the sum. The rounding error grows with N. Bound by the atomics.
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/reduce/lab/reduce_lab.h>

namespace metron::cuda::lab {
namespace {

constexpr int threads = 256;

__global__ void __launch_bounds__(threads)
    reduce_atomic_kernel(const float* x, std::int64_t count, float* y) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  if (i < count) atomicAdd(y, x[i]);
}

}  // namespace

void reduce_atomic(const Tensor& x, Tensor& y) {
  y.fill_(0);
  const LaunchShape shape{static_cast<unsigned>(ceil_div(x.numel(), threads)), threads};
  launch("reduce_atomic", y.device(), shape, reduce_atomic_kernel, x.data<float>(), x.numel(),
         y.mutable_data<float>());
}

}  // namespace metron::cuda::lab
