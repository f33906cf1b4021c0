// Peak arithmetic throughput of the device: float32 multiply-adds in registers.
//
// Full occupancy, with eight independent chains of multiply-adds per thread. Moves four bytes per thread, at
// the end; compute-bound.
#include <metron/core/tensor.h>
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/cuda/launch.h>

namespace metron::cuda {
namespace {

constexpr int threads = 256, chains = 8, blocks_per_multiprocessor = 8;

__global__ void __launch_bounds__(threads)
    multiply_add_kernel(float factor, float term, std::int64_t rounds, float* sums) {
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x;
  float chain[chains];
  for (int i = 0; i < chains; ++i) chain[i] = static_cast<float>(threadIdx.x + i);
#pragma unroll 4
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma unroll
    for (int i = 0; i < chains; ++i) chain[i] = fmaf(chain[i], factor, term);
  }
  float sum = 0;
  for (int i = 0; i < chains; ++i) sum += chain[i];
  sums[thread] = sum;
}

}  // namespace

double multiply_adds(Device device, std::int64_t rounds) {
  const int blocks = multiprocessors(device.index()) * blocks_per_multiprocessor;
  const std::int64_t count = std::int64_t{blocks} * threads;
  Tensor sums = Tensor::empty({count}, {DType::float32, device});
  launch("multiply_adds", device, {static_cast<unsigned>(blocks), threads, 0}, multiply_add_kernel, 0.5f,
         0.25f, rounds, sums.mutable_data<float>());
  return 2.0 * chains * static_cast<double>(rounds) * static_cast<double>(count);
}

}  // namespace metron::cuda
