// 3. A thread accumulates sixteen elements before it communicates; warps reduce by shuffles, and only their
// eight sums go through shared memory.
//
// An element costs one load and one addition; a block of 4096 elements one barrier, and one store to shared
// memory per warp. Memory-bound: each element is read once.
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/cuda/reduce/lab/reduce_lab.h>

namespace metron::cuda::lab {
namespace {

constexpr int threads = 256, per_thread = 16;
constexpr int warps = threads / warp_size;

__device__ float warp_sum(float value) {
  for (int distance = warp_size / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(0xffffffffu, value, distance);
  return value;
}

__global__ void __launch_bounds__(threads)
    reduce_shuffle_kernel(const float* x, std::int64_t count, float* sums) {
  __shared__ float partials[warps];
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * threads * per_thread + thread;
  float value = 0;
  for (int step = 0; step < per_thread; ++step) {
    const std::int64_t i = first + step * threads;
    if (i < count) value += x[i];
  }
  value = warp_sum(value);
  if (thread % warp_size == 0) partials[thread / warp_size] = value;
  __syncthreads();
  if (thread >= warp_size) return;
  value = warp_sum(thread < warps ? partials[thread] : 0);
  if (thread == 0) sums[blockIdx.x] = value;
}

}  // namespace

void reduce_shuffle(const Tensor& x, Tensor& y) {
  const std::int64_t blocks = std::max<std::int64_t>(1, ceil_div(x.numel(), threads * per_thread));
  Tensor sums = blocks == 1 ? y : Tensor::empty({blocks}, y.options());
  launch("reduce_shuffle", y.device(), {static_cast<unsigned>(blocks), threads}, reduce_shuffle_kernel,
         x.data<float>(), x.numel(), sums.mutable_data<float>());
  if (blocks > 1) reduce_shuffle(sums, y);
}

}  // namespace metron::cuda::lab
