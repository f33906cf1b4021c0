#include "counted.h"

namespace {

__device__ int index() { return static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); }

__global__ void coalesced_kernel(float* out, const float* in) { out[index()] = in[index()]; }

__global__ void by_four_kernel(float4* out, const float4* in) { out[index()] = in[index()]; }

__global__ void shifted_kernel(float* out, const float* in, int n) {
  if (index() < n) out[index()] = in[index() + 1];
}

__global__ void every_second_kernel(float* out, const float* in) { out[index()] = in[2 * index()]; }

__global__ void one_kernel(float* out, const float* in) { out[index()] = in[0]; }

__global__ void odd_lanes_kernel(float* out, const float* in) {
  if (threadIdx.x % 2 == 1) out[index()] = in[index()];
}

__global__ void prefixes_kernel(float* out, const float* in) {
  float sum = 0;
  for (unsigned i = 0; i <= threadIdx.x; ++i) sum += in[32 * i + threadIdx.x];
  out[threadIdx.x] = sum;
}

__global__ void add_kernel(int* out) {
  __shared__ int sum;
  if (threadIdx.x == 0) sum = 0;
  __syncthreads();
  atomicAdd(&sum, 1);
  __syncthreads();
  atomicAdd(out, __shfl_sync(0xffffffffu, sum, 0));
}

__global__ void transpose_kernel(float* out, const float* in) {
  out[threadIdx.x * 32 + threadIdx.y] = in[threadIdx.y * 32 + threadIdx.x];
}

template <int width>
__global__ void tile_kernel(float* out, const float* in) {
  __shared__ float tile[32][width];
  tile[threadIdx.y][threadIdx.x] = in[threadIdx.y * 32 + threadIdx.x];
  __syncthreads();
  out[threadIdx.y * 32 + threadIdx.x] = tile[threadIdx.x][threadIdx.y];
}

__global__ void wide_kernel(double* out, const double* in) {
  __shared__ double tile[32];
  tile[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = tile[31 - threadIdx.x];
}

__global__ void rows_kernel(float4* out, const float4* in) {
  __shared__ float4 rows[32][2];
  rows[threadIdx.x][0] =
      in[threadIdx.x];  // lanes are 32 bytes apart: 2-way bank conflict within each quarter-warp
  __syncthreads();
  out[threadIdx.x] = rows[threadIdx.x][0];
}

}  // namespace

cudaError_t copy_coalesced(float* out, const float* in) { return run(coalesced_kernel, 4, 256, 0, out, in); }
cudaError_t copy_by_four(float* out, const float* in) {
  return run(by_four_kernel, 1, 256, 0, reinterpret_cast<float4*>(out), reinterpret_cast<const float4*>(in));
}
cudaError_t copy_shifted(float* out, const float* in) {
  return run(shifted_kernel, 4, 256, 0, out, in, counted_size - 1);
}
cudaError_t read_every_second(float* out, const float* in) {
  return run(every_second_kernel, 4, 256, 0, out, in);
}
cudaError_t read_one(float* out, const float* in) { return run(one_kernel, 4, 256, 0, out, in); }
cudaError_t copy_odd_lanes(float* out, const float* in) { return run(odd_lanes_kernel, 4, 256, 0, out, in); }
cudaError_t sum_prefixes(float* out, const float* in) { return run(prefixes_kernel, 1, 32, 0, out, in); }
cudaError_t add_to_one(int* out) { return run(add_kernel, 1, 32, 0, out); }
cudaError_t transpose(float* out, const float* in) {
  return run(transpose_kernel, 1, dim3(32, 32), 0, out, in);
}
cudaError_t transpose_by_tile(float* out, const float* in, bool padded) {
  return run(padded ? tile_kernel<33> : tile_kernel<32>, 1, dim3(32, 32), 0, out, in);
}
cudaError_t reverse_wide(double* out, const double* in) { return run(wide_kernel, 1, 32, 0, out, in); }
cudaError_t halve_rows(float* out, const float* in) {
  return run(rows_kernel, 1, 32, 0, reinterpret_cast<float4*>(out), reinterpret_cast<const float4*>(in));
}
