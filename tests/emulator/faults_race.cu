// Faults of order and of values: races, and memory that nothing was stored to.
#include "faults.h"

namespace {

using metron::emulator::Check;

__global__ void no_barrier_before_kernel(float* out, const float* in) {
  __shared__ float tile[64];
  tile[threadIdx.x] = in[threadIdx.x];        // fault: missing barrier before a tile
  out[threadIdx.x] = tile[63 - threadIdx.x];  // fault: missing barrier before a tile
}
void no_barrier_before() {
  const DeviceArray<float> out(64), in(std::vector<float>(64, 1.f));
  run(no_barrier_before_kernel, 1, 64, 0, out.data(), in.data());
  cudaDeviceSynchronize();
}

__global__ void no_barrier_after_kernel(float* out, const float* in, unsigned tiles) {
  __shared__ float tile[64];
  float sum = 0;
  for (unsigned t = 0; t < tiles; ++t) {
    tile[threadIdx.x] = in[t * 64 + threadIdx.x];  // fault: missing barrier after a tile
    __syncthreads();
    for (unsigned i = 0; i < 64; ++i) sum += tile[i];  // fault: missing barrier after a tile
  }
  out[threadIdx.x] = sum;
}
void no_barrier_after() {
  const DeviceArray<float> out(64), in(std::vector<float>(256, 1.f));
  run(no_barrier_after_kernel, 1, 64, 0, out.data(), in.data(), 4u);
  cudaDeviceSynchronize();
}

__global__ void race_in_block_kernel(float* data) {
  const unsigned i = threadIdx.x;
  data[i] = 1;                        // fault: race on global memory within a block
  if (i > 0) data[i] += data[i - 1];  // fault: race on global memory within a block
}
void race_in_block() {
  const DeviceArray<float> data(64);
  run(race_in_block_kernel, 1, 64, 0, data.data());
  cudaDeviceSynchronize();
}

__global__ void race_between_blocks_kernel(float* sum, const float* in) {
  if (threadIdx.x == 0) *sum = *sum + in[blockIdx.x];  // fault: race between blocks
}
void race_between_blocks() {
  const DeviceArray<float> sum(std::vector<float>(1)), in(std::vector<float>(16, 1.f));
  run(race_between_blocks_kernel, 16, 32, 0, sum.data(), in.data());
  cudaDeviceSynchronize();
}

__global__ void same_value_kernel(int* flag, const float* in) {
  if (in[threadIdx.x] > 0) *flag = 1;  // fault: two stores of the same value
}
void same_value() {
  const DeviceArray<float> in(std::vector<float>(64, 1.f));
  const DeviceArray<int> flag(1);
  run(same_value_kernel, 1, 64, 0, flag.data(), in.data());
  cudaDeviceSynchronize();
}

__global__ void warp_synchronous_kernel(float* out, const float* in) {
  __shared__ float partial[32];
  partial[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  for (unsigned half = 16; half > 0; half /= 2)
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];  // fault: missing __syncwarp
  if (threadIdx.x == 0) out[0] = partial[0];
}
void warp_synchronous() {
  const DeviceArray<float> out(1), in(std::vector<float>(32, 1.f));
  run(warp_synchronous_kernel, 1, 32, 0, out.data(), in.data());
  cudaDeviceSynchronize();
}

__global__ void half_a_warp_kernel(int* out) {
  __shared__ int slot[32];
  slot[threadIdx.x] = static_cast<int>(threadIdx.x);  // fault: __syncwarp of the wrong half
  __syncwarp(threadIdx.x < 16 ? 0x0000ffffu : 0xffff0000u);
  out[threadIdx.x] = slot[31 - threadIdx.x];  // fault: __syncwarp of the wrong half
}
void half_a_warp() {
  const DeviceArray<int> out(32);
  run(half_a_warp_kernel, 1, 32, 0, out.data());
  cudaDeviceSynchronize();
}

__global__ void mixed_atomics_kernel(int* count) {
  if (threadIdx.x == 0) *count = 0;  // fault: atomics mixed with a plain store
  atomicAdd(count, 1);               // fault: atomics mixed with a plain store
}
void mixed_atomics() {
  const DeviceArray<int> count(1);
  run(mixed_atomics_kernel, 1, 64, 0, count.data());
  cudaDeviceSynchronize();
}

__global__ void read_while_atomic_kernel(int* count, int* out) {
  atomicAdd(count, 1);                                  // fault: plain load beside atomics
  out[blockIdx.x * blockDim.x + threadIdx.x] = *count;  // fault: plain load beside atomics
}
void read_while_atomic() {
  const DeviceArray<int> count(std::vector<int>(1)), out(128);
  run(read_while_atomic_kernel, 2, 64, 0, count.data(), out.data());
  cudaDeviceSynchronize();
}

__global__ void last_block_kernel(float* partial, unsigned* arrived, float* out) {
  __shared__ bool is_last;
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = 1;
    is_last = atomicAdd(arrived, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (!is_last || threadIdx.x != 0) return;
  float sum = 0;
  for (unsigned b = 0; b < gridDim.x; ++b) sum += partial[b];  // fault: last block without a fence
  *out = sum;
}
void last_block() {
  const DeviceArray<float> partial(8), out(1);
  const DeviceArray<unsigned> arrived(std::vector<unsigned>(1));
  run(last_block_kernel, 8, 32, 0, partial.data(), arrived.data(), out.data());
  cudaDeviceSynchronize();
}

__global__ void neighboring_bytes_kernel(unsigned char* out) {
  out[threadIdx.x] = 1;             // fault: race on a byte
  out[(threadIdx.x + 1) % 64] = 2;  // fault: race on a byte
}
void neighboring_bytes() {
  const DeviceArray<unsigned char> out(64);
  run(neighboring_bytes_kernel, 1, 64, 0, out.data());
  cudaDeviceSynchronize();
}

__global__ void global_accumulator_kernel(float* sum, const float* in) {
  sum[threadIdx.x] += in[threadIdx.x];  // fault: accumulator in global memory
}
void global_accumulator() {
  const DeviceArray<float> sum(64), in(std::vector<float>(64, 1.f));
  run(global_accumulator_kernel, 1, 64, 0, sum.data(), in.data());
  cudaDeviceSynchronize();
}

__global__ void shared_accumulator_kernel(int* out, const int* in) {
  __shared__ int counts[16];
  atomicAdd(&counts[in[threadIdx.x]], 1);  // fault: accumulator in shared memory
  __syncthreads();
  if (threadIdx.x < 16) out[threadIdx.x] = counts[threadIdx.x];  // fault: accumulator in shared memory
}
void shared_accumulator() {
  const DeviceArray<int> out(16), in(std::vector<int>(64, 3));
  run(shared_accumulator_kernel, 1, 64, 0, out.data(), in.data());
  cudaDeviceSynchronize();
}

__global__ void handed_out_again_kernel(float* out, const float* in) {
  out[threadIdx.x] = in[threadIdx.x];  // fault: memory handed out again
}
void handed_out_again() {
  const DeviceArray<float> out(64), pool(std::vector<float>(64, 1.f));
  metron::emulator::mark_allocated(pool.data(), 64 * sizeof(float));
  run(handed_out_again_kernel, 1, 64, 0, out.data(), pool.data());
  cudaDeviceSynchronize();
}

__global__ void tail_kernel(float* out, const float* in) {
  const float4 v = reinterpret_cast<const float4*>(in)[threadIdx.x];  // fault: padding read as data
  out[threadIdx.x] = v.x + v.y + v.z + v.w;
}
void tail() {
  const DeviceArray<float> out(2), in(8);
  cudaMemset(in.data(), 0, 7 * sizeof(float));
  run(tail_kernel, 1, 2, 0, out.data(), in.data());
  cudaDeviceSynchronize();
}

}  // namespace

std::vector<Fault> race_faults() {
  const std::string file = "tests/emulator/faults_race.cu";
  return {
      {"missing barrier before a tile", Check::race, "no_barrier_before_kernel", no_barrier_before, file},
      {"missing barrier after a tile", Check::race, "no_barrier_after_kernel", no_barrier_after, file},
      {"race on global memory within a block", Check::race, "race_in_block_kernel", race_in_block, file},
      {"race between blocks", Check::race, "race_between_blocks_kernel", race_between_blocks, file},
      {"two stores of the same value", Check::race, "same_value_kernel", same_value, file},
      {"missing __syncwarp", Check::race, "warp_synchronous_kernel", warp_synchronous, file},
      {"__syncwarp of the wrong half", Check::race, "half_a_warp_kernel", half_a_warp, file},
      {"atomics mixed with a plain store", Check::race, "mixed_atomics_kernel", mixed_atomics, file},
      {"plain load beside atomics", Check::race, "read_while_atomic_kernel", read_while_atomic, file},
      {"last block without a fence", Check::race, "last_block_kernel", last_block, file},
      {"race on a byte", Check::race, "neighboring_bytes_kernel", neighboring_bytes, file},
  };
}

std::vector<Fault> value_faults() {
  const std::string file = "tests/emulator/faults_race.cu";
  return {
      {"accumulator in global memory", Check::uninitialized, "global_accumulator_kernel", global_accumulator,
       file},
      {"accumulator in shared memory", Check::uninitialized, "shared_accumulator_kernel", shared_accumulator,
       file},
      {"memory handed out again", Check::uninitialized, "handed_out_again_kernel", handed_out_again, file},
      {"padding read as data", Check::uninitialized, "tail_kernel", tail, file},
  };
}
