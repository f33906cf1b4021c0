// Kernels whose results are known, one a facility of the device.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "semantics.h"

namespace {

template <class T>
__device__ T* dynamic_shared() {
  return static_cast<T*>(metron::emulator::dynamic_shared_memory());
}

template <int threads>
__global__ void __launch_bounds__(threads) block_sum_kernel(float* out, const float* in, int n) {
  __shared__ float partial[threads];
  float sum = 0;
  for (int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); i < n;
       i += static_cast<int>(gridDim.x * blockDim.x))
    sum += in[i];
  partial[threadIdx.x] = sum;
  __syncthreads();
  for (unsigned half = threads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) atomicAdd(out, partial[0]);
}

__global__ void warp_sum_kernel(float* out, const float* in) {
  float sum = in[blockIdx.x * blockDim.x + threadIdx.x];
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, offset);
  if (threadIdx.x % warpSize == 0) out[(blockIdx.x * blockDim.x + threadIdx.x) / warpSize] = sum;
}

__global__ void reverse_kernel(int* out, const int* in, int n) {
  int* const tile = dynamic_shared<int>();
  const int i = static_cast<int>(threadIdx.x);
  tile[i] = in[i];
  __syncthreads();
  out[i] = tile[n - 1 - i];
}

}  // namespace

cudaError_t block_sum(float* out, const float* in, int n) {
  return run(block_sum_kernel<256>, 4, 256, 0, out, in, n);
}
cudaError_t warp_sum(float* out, const float* in, int warps) {
  return run(warp_sum_kernel, static_cast<unsigned>(warps), 32, 0, out, in);
}
cudaError_t reverse(int* out, const int* in, int n) {
  return run(reverse_kernel, 1, static_cast<unsigned>(n), sizeof(int) * static_cast<unsigned>(n), out, in, n);
}
