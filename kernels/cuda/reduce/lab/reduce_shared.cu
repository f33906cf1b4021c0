// 2. A block reduces 256 elements as a tree in shared memory; the block sums are reduced in turn.
//
// The order is fixed and the rounding error grows with log N. But half of the threads idle from the first
// step on, and each of the eight steps costs the block a barrier, and a warp two loads and a store to shared
// memory: these are the bottleneck.
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/reduce/lab/reduce_lab.h>

namespace metron::cuda::lab {
namespace {

constexpr int threads = 256;

__global__ void __launch_bounds__(threads)
    reduce_shared_kernel(const float* x, std::int64_t count, float* sums) {
  __shared__ float partials[threads];
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * threads + thread;
  partials[thread] = i < count ? x[i] : 0;
  for (int half = threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (thread < half) partials[thread] += partials[thread + half];
  }
  if (thread == 0) sums[blockIdx.x] = partials[0];
}

}  // namespace

void reduce_shared(const Tensor& x, Tensor& y) {
  const std::int64_t blocks = std::max<std::int64_t>(1, ceil_div(x.numel(), threads));
  Tensor sums = blocks == 1 ? y : Tensor::empty({blocks}, y.options());
  launch("reduce_shared", y.device(), {static_cast<unsigned>(blocks), threads}, reduce_shared_kernel,
         x.data<float>(), x.numel(), sums.mutable_data<float>());
  if (blocks > 1) reduce_shared(sums, y);
}

}  // namespace metron::cuda::lab
