// Faults of barriers, warp operations, launches and calls of the host's.
#include <cstdlib>

#include "faults.h"

namespace {

using metron::emulator::Check;

__global__ void divergent_barrier_kernel(float* out) {
  __shared__ float tile[64];
  tile[threadIdx.x] = 1;
  if (threadIdx.x < 32)
    __syncthreads();  // fault: barrier in divergent code
  else
    tile[threadIdx.x] = 2;
  out[threadIdx.x] = tile[threadIdx.x];
}
void divergent_barrier() {
  const DeviceArray<float> out(64);
  run(divergent_barrier_kernel, 1, 64, 0, out.data());
  cudaDeviceSynchronize();
}

__global__ void two_barriers_kernel(float* out) {
  if (threadIdx.x % 2 == 0) {
    out[threadIdx.x] = 1;
    __syncthreads();  // fault: mismatched barriers
  } else {
    out[threadIdx.x] = 2;
    __syncthreads();  // fault: mismatched barriers
  }
}
void two_barriers() {
  const DeviceArray<float> out(64);
  run(two_barriers_kernel, 1, 64, 0, out.data());
  cudaDeviceSynchronize();
}

__global__ void early_return_kernel(float* out, int n) {
  const int i = static_cast<int>(threadIdx.x);
  if (i >= n) return;
  out[i] = 1;
  __syncthreads();  // fault: barrier after early return
  out[i] += 1;
}
void early_return() {
  const DeviceArray<float> out(64);
  run(early_return_kernel, 1, 64, 0, out.data(), 50);
  cudaDeviceSynchronize();
}

__global__ void lane_left_kernel(float* out, int n) {
  const int i = static_cast<int>(threadIdx.x);
  if (i >= n) return;
  float sum = 1;
  for (int offset = 16; offset > 0; offset /= 2)
    sum += __shfl_xor_sync(0xffffffffu, sum, offset);  // fault: shuffle from a lane that left
  out[i] = sum;
}
void lane_left() {
  const DeviceArray<float> out(32);
  run(lane_left_kernel, 1, 32, 0, out.data(), 20);
  cudaDeviceSynchronize();
}

__global__ void wrong_mask_kernel(int* out) {
  int value = static_cast<int>(threadIdx.x);
  if (threadIdx.x < 16) value = __shfl_xor_sync(0xffffffffu, value, 1);  // fault: shuffle with a wrong mask
  __syncthreads();
  out[threadIdx.x] = value;
}
void wrong_mask() {
  const DeviceArray<int> out(32);
  run(wrong_mask_kernel, 1, 32, 0, out.data());
  cudaDeviceSynchronize();
}

__global__ void two_shuffles_kernel(int* out) {
  int value = static_cast<int>(threadIdx.x);
  if (threadIdx.x < 16)
    value = __shfl_xor_sync(0xffffffffu, value, 1);  // fault: mismatched shuffles
  else
    value -= __shfl_xor_sync(0xffffffffu, value, 1);
  out[threadIdx.x] = value;
}
void two_shuffles() {
  const DeviceArray<int> out(32);
  run(two_shuffles_kernel, 1, 32, 0, out.data());
  cudaDeviceSynchronize();
}

__global__ void left_out_kernel(int* out) {
  out[threadIdx.x] =
      __any_sync(0x0000ffffu, threadIdx.x == 3);  // fault: vote of a lane that the mask leaves out
}
void left_out() {
  const DeviceArray<int> out(32);
  run(left_out_kernel, 1, 32, 0, out.data());
  cudaDeviceSynchronize();
}

__global__ void outside_source_kernel(int* out) {
  if (threadIdx.x < 16)
    out[threadIdx.x] = __shfl_sync(0x0000ffffu, 1, 20);  // fault: shuffle from outside of the mask
}
void outside_source() {
  const DeviceArray<int> out(32);
  run(outside_source_kernel, 1, 32, 0, out.data());
  cudaDeviceSynchronize();
}

__global__ void partial_warp_kernel(unsigned* out) {
  out[threadIdx.x] = __ballot_sync(0xffffffffu, 1);  // fault: full mask in a partial warp
}
void partial_warp() {
  const DeviceArray<unsigned> out(40);
  run(partial_warp_kernel, 1, 40, 0, out.data());
  cudaDeviceSynchronize();
}

__global__ void division_kernel(int* out, int divisor) {
  out[threadIdx.x] = static_cast<int>(threadIdx.x) / divisor;  // fault: division by zero
}
void division() {
  const DeviceArray<int> out(32);
  run(division_kernel, 1, 32, 0, out.data(), 0);
  cudaDeviceSynchronize();
}

__global__ void trap_kernel(const int* in) {
  if (in[threadIdx.x] < 0) __trap();  // fault: trap
}
void trap() {
  const DeviceArray<int> in(std::vector<int>(32, -1));
  run(trap_kernel, 1, 32, 0, in.data());
  cudaDeviceSynchronize();
}

__global__ void empty_kernel() {}
__global__ void large_tile_kernel(float* out) {
  __shared__ float tile[128][128];
  tile[threadIdx.x][threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = tile[31 - threadIdx.x][31 - threadIdx.x];
}
__device__ float large_helper(float x) {
  __shared__ float many[10000];
  many[threadIdx.x] = x;  // fault: too much shared memory by way of a function
  __syncthreads();
  return many[31 - threadIdx.x];
}
__global__ void helped_kernel(float* out) {
  __shared__ float tile[3000];
  tile[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = large_helper(tile[31 - threadIdx.x]);
}
void too_many_threads() { run(empty_kernel, 1, 1056, 0); }
void too_deep_a_block() { run(empty_kernel, 1, dim3(1, 1, 65), 0); }
void too_large_a_grid() { run(empty_kernel, dim3(1, 65536), 32, 0); }
void no_block() { run(empty_kernel, 0, 32, 0); }
void too_much_dynamic() { run(empty_kernel, 1, 32, 49 << 10); }
void too_much_static() {
  const DeviceArray<float> out(32);
  run(large_tile_kernel, 1, 32, 0, out.data());
}
void too_much_by_a_function() {
  const DeviceArray<float> out(32);
  run(helped_kernel, 1, 32, 0, out.data());
  cudaDeviceSynchronize();
}

void copy_too_long() {
  const DeviceArray<float> data(16);
  const std::vector<float> values(17);
  cudaMemcpy(data.data(), values.data(), 17 * sizeof(float), cudaMemcpyHostToDevice);
}
void set_too_long() {
  const DeviceArray<float> data(16);
  cudaMemset(data.data(), 0, 65);
  cudaDeviceSynchronize();
}
void wrong_direction() {
  const DeviceArray<float> data(16);
  float value = 0;
  cudaMemcpy(&value, data.data(), sizeof value, cudaMemcpyHostToDevice);
}
void freed_twice() {
  void* data = nullptr;
  cudaMalloc(&data, 16);
  cudaFree(data);
  cudaFree(data);
}
void copy_after_free() {
  void* data = nullptr;
  cudaMalloc(&data, 16);
  cudaFree(data);
  cudaMemset(data, 0, 16);
  cudaDeviceSynchronize();
}

}  // namespace

std::vector<Fault> waiting_faults() {
  const std::string file = "tests/emulator/faults_waiting.cu";
  return {
      {"barrier in divergent code", Check::barrier, "divergent_barrier_kernel", divergent_barrier, file},
      {"mismatched barriers", Check::barrier, "two_barriers_kernel", two_barriers, file},
      {"barrier after early return", Check::barrier, "early_return_kernel", early_return, file},
      {"shuffle from a lane that left", Check::warp, "lane_left_kernel", lane_left, file},
      {"shuffle with a wrong mask", Check::warp, "wrong_mask_kernel", wrong_mask, file},
      {"mismatched shuffles", Check::warp, "two_shuffles_kernel", two_shuffles, file},
      {"vote of a lane that the mask leaves out", Check::warp, "left_out_kernel", left_out, file},
      {"shuffle from outside of the mask", Check::warp, "outside_source_kernel", outside_source, file},
      {"full mask in a partial warp", Check::warp, "partial_warp_kernel", partial_warp, file},
      {"division by zero", Check::arithmetic, "division_kernel", division, file},
      {"trap", Check::trap, "trap_kernel", trap, file},
      {"too much shared memory by way of a function", Check::launch_limits, "helped_kernel",
       too_much_by_a_function, file},
  };
}

std::vector<Fault> host_faults() {
  return {
      {"too many threads", Check::launch_limits, "empty_kernel", too_many_threads, ""},
      {"too deep a block", Check::launch_limits, "empty_kernel", too_deep_a_block, ""},
      {"grid y too large", Check::launch_limits, "empty_kernel", too_large_a_grid, ""},
      {"grid without a block", Check::launch_limits, "empty_kernel", no_block, ""},
      {"too much dynamic shared memory", Check::launch_limits, "empty_kernel", too_much_dynamic, ""},
      {"too much static shared memory", Check::launch_limits, "large_tile_kernel", too_much_static, ""},
      {"copy beyond an allocation", Check::host_call, "cudaMemcpy", copy_too_long, ""},
      {"memset beyond an allocation", Check::host_call, "cudaMemset", set_too_long, ""},
      {"copy in the wrong direction", Check::host_call, "cudaMemcpy", wrong_direction, ""},
      {"memory freed twice", Check::host_call, "cudaFree", freed_twice, ""},
      {"memset after free", Check::host_call, "cudaMemset", copy_after_free, ""},
  };
}
