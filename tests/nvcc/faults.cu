// Planted faults of the kinds that tutorials warn of, each with its mended twin: faults NAME [mended].
#include <cassert>
#include <cstdio>
#include <cstring>

constexpr int n = 100;

template <bool mended>
__global__ void missing_barrier(int* out) {
  __shared__ int parts[128];
  parts[threadIdx.x] = threadIdx.x;
  if (mended) __syncthreads();
  out[threadIdx.x] = parts[127 - threadIdx.x];  // FAULT missing_barrier
}

template <bool mended>
__global__ void lost_update(int* out) {
  if (mended)
    atomicAdd(out, 1);
  else
    *out += 1;  // FAULT lost_update
}

template <bool mended>
__global__ void unguarded(int* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (!mended || i < n) out[i] = i;  // FAULT unguarded
}

template <bool mended>
__global__ void past_the_array(int* out) {
  __shared__ int tile[32];
  for (int i = 0; i < (mended ? 32 : 33); ++i)
    if (threadIdx.x == 0) tile[i] = i;  // FAULT past_the_array
  __syncthreads();
  out[threadIdx.x] = tile[threadIdx.x % 32];
}

template <bool mended>
__global__ void misaligned_vector(float* out) {
  float4* vectors = reinterpret_cast<float4*>(out + (mended ? 4 : 1));
  vectors[0] = make_float4(1, 2, 3, 4);  // FAULT misaligned_vector
}

template <bool mended>
__global__ void uninitialized_sum(int* out) {
  __shared__ int sum;
  if (mended) {
    if (threadIdx.x == 0) sum = 0;
    __syncthreads();
  }
  atomicAdd(&sum, 1);  // FAULT uninitialized_sum
  __syncthreads();
  if (threadIdx.x == 0) *out = sum;
}

template <bool mended>
__global__ void barrier_in_branch(int* out) {
  if (threadIdx.x < 64) out[threadIdx.x] = 1;
  if (mended || threadIdx.x < 64) __syncthreads();  // FAULT barrier_in_branch
}

template <bool mended>
__global__ void shuffle_after_exit(int* out) {
  if (!mended && threadIdx.x >= 16) return;
  const int sum = __shfl_down_sync(0xffffffffu, 1, 1);  // FAULT shuffle_after_exit
  out[threadIdx.x] = sum;
}

template <bool mended>
__global__ void host_pointer(const int* in, int* out) {
  out[threadIdx.x] = in[threadIdx.x];  // FAULT host_pointer
}

template <bool mended>
__global__ void failed_assertion(int* out) {
  assert(mended || threadIdx.x != 3);  // FAULT failed_assertion
  out[threadIdx.x] = 0;
}

__device__ int histogram[16];
template <bool mended>
__global__ void device_variable(int* out) {
  if (mended)
    atomicAdd(&histogram[threadIdx.x % 16], 1);
  else
    histogram[threadIdx.x % 16]++;  // FAULT device_variable
  out[threadIdx.x] = 0;
}

template <bool mended>
int run(const char* name) {
  int *out, host[n] = {}, *in = host;
  if (cudaMalloc(&out, n * sizeof(int)) != cudaSuccess) return 1;
  if (mended) cudaMalloc(&in, n * sizeof(int));
  if (mended) cudaMemset(in, 0, n * sizeof(int));
  int* zero;
  cudaMalloc(&zero, sizeof(int));
  cudaMemset(zero, 0, sizeof(int));
  int* big;
  cudaMalloc(&big, 128 * sizeof(int));
#define FAULT(kernel, threads, ...) \
  if (std::strcmp(name, #kernel) == 0) kernel<mended><<<1, threads>>>(__VA_ARGS__)
  FAULT(missing_barrier, 128, big);
  FAULT(lost_update, 32, zero);
  FAULT(past_the_array, 64, out);
  FAULT(misaligned_vector, 1, reinterpret_cast<float*>(out));
  FAULT(uninitialized_sum, 64, out);
  FAULT(barrier_in_branch, 128, big);
  FAULT(shuffle_after_exit, 32, out);
  FAULT(host_pointer, 32, in, out);
  FAULT(failed_assertion, 32, out);
  FAULT(device_variable, 32, out);
  if (std::strcmp(name, "unguarded") == 0) unguarded<mended><<<4, 32>>>(out);
  const cudaError_t error = cudaDeviceSynchronize();
  std::printf("%s: %s\n", name, cudaGetErrorName(error));
  return 0;
}

int main(int argc, char** argv) {
  return argc > 2 ? run<true>(argv[1]) : run<false>(argc > 1 ? argv[1] : "");
}
