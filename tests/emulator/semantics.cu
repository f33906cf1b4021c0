// Kernels whose results are known, one a facility of the device.
#include "semantics.h"

namespace {

__constant__ float scale;

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

__global__ void reverse_kernel(int* out, const int* in, int n) {
  int* const tile = dynamic_shared<int>();
  for (int i = static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x))
    tile[i] = __ldg(in + i);
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x))
    out[i] = tile[n - 1 - i];
}

__global__ void block_votes_kernel(int* out) {
  const int t = static_cast<int>(threadIdx.x);
  out[3 * t] = __syncthreads_count(t % 3 == 0);
  out[3 * t + 1] = __syncthreads_and(t != 40);
  out[3 * t + 2] = __syncthreads_or(t == 40);
}

__global__ void scale_kernel(float* data, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) data[i] *= scale;
}

__global__ void fill_kernel(int* out, int value, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) out[i] = value;
}

__global__ void add_one_kernel(int* out, const int* in, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) out[i] = in[i] + 1;
}

__global__ void atomics_kernel(AtomicCells* cells, int* tickets) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  tickets[i] = atomicAdd(&cells->added, 1);
  atomicSub(&cells->subtracted, i);
  atomicMax(&cells->largest, i);
  atomicMin(&cells->smallest, -i);
  atomicExch(&cells->exchanged, i + 1);
  for (int old = 0, found; (found = atomicCAS(&cells->swapped, old, old + 2)) != old;) old = found;
  atomicAnd(&cells->and_bits, i);
  atomicOr(&cells->or_bits, i);
  atomicXor(&cells->xor_bits, i);
  atomicInc(&cells->wrapped_up, 99);
  atomicDec(&cells->wrapped_down, 99);
  atomicAdd(&cells->wide, 1ull << 33);
  atomicAdd(&cells->single, 0.5f);
  atomicAdd(&cells->twice, 0.25);
}

unsigned blocks(int n) { return static_cast<unsigned>(n + 255) / 256; }

}  // namespace

cudaError_t block_sum(float* out, const float* in, int n) {
  return run(block_sum_kernel<256>, 4, 256, 0, out, in, n);
}
cudaError_t reverse(int* out, const int* in, int n, cudaStream_t stream) {
  const cudaLaunchConfig_t config{1, 256, sizeof(int) * static_cast<unsigned>(n), stream, nullptr, 0};
  return cudaLaunchKernelEx(&config, reverse_kernel, out, in, n);
}
cudaError_t reverse_large(int* out, const int* in, int n, bool raise_limit) {
  if (raise_limit)
    if (const cudaError_t error = cudaFuncSetAttribute(
            reverse_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, n * static_cast<int>(sizeof(int)));
        error != cudaSuccess)
      return error;
  return reverse(out, in, n);
}
cudaError_t block_votes(int* out) { return run(block_votes_kernel, 1, 64, 0, out); }
cudaError_t scale_by_constant(float* data, int n) { return run(scale_kernel, blocks(n), 256, 0, data, n); }
cudaError_t set_scale(float value) { return cudaMemcpyToSymbol(scale, &value, sizeof value); }
int static_shared_bytes() {
  cudaFuncAttributes attributes;
  cudaFuncGetAttributes(&attributes, block_sum_kernel<256>);
  return static_cast<int>(attributes.sharedSizeBytes);
}
int blocks_per_multiprocessor() {
  int count = 0;
  cudaOccupancyMaxActiveBlocksPerMultiprocessor(&count, block_sum_kernel<256>, 256, 0);
  return count;
}
cudaError_t fill(int* out, int value, int n, cudaStream_t stream) {
  const cudaLaunchConfig_t config{blocks(n), 256, 0, stream, nullptr, 0};
  return cudaLaunchKernelEx(&config, fill_kernel, out, value, n);
}
cudaError_t add_one(int* out, const int* in, int n, cudaStream_t stream) {
  const cudaLaunchConfig_t config{blocks(n), 256, 0, stream, nullptr, 0};
  return cudaLaunchKernelEx(&config, add_one_kernel, out, in, n);
}
cudaError_t update_atomically(AtomicCells* cells, int* tickets) {
  return run(atomics_kernel, 4, atomic_threads / 4, 0, cells, tickets);
}
