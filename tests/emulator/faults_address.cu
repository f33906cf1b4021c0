// Faults of addresses: out of bounds, misaligned, after free.
#include "faults.h"

namespace {

using metron::emulator::Check;
constexpr int n = 1000;

__global__ void store_off_by_one_kernel(float* out, int size) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i <= size) out[i] = 1;  // fault: store off by one
}
void store_off_by_one() {
  const DeviceArray<float> out(n);
  run(store_off_by_one_kernel, 8, 128, 0, out.data(), n);
  cudaDeviceSynchronize();
}

template <int taps>
__global__ void load_off_by_one_kernel(float* out, const float* in, int size) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= size) return;
  float sum = 0;
  for (int tap = 0; tap < taps; ++tap) sum += in[i + tap];  // fault: load off by one
  out[i] = sum;
}
void load_off_by_one() {
  const DeviceArray<float> out(n), in(std::vector<float>(n + 1, 1.f));
  run(load_off_by_one_kernel<3>, 8, 128, 0, out.data(), in.data(), n);
  cudaDeviceSynchronize();
}

__global__ void byte_off_by_one_kernel(unsigned char* out, int size) {
  const int i = static_cast<int>(threadIdx.x);
  if (i <= size) out[i] = 1;  // fault: byte store off by one
}
void byte_off_by_one() {
  const DeviceArray<unsigned char> out(61);
  run(byte_off_by_one_kernel, 1, 64, 0, out.data(), 61);
  cudaDeviceSynchronize();
}

__global__ void negative_index_kernel(float* out, const float* in) {
  const int i = static_cast<int>(threadIdx.x);
  out[i] = in[i - 1];  // fault: load before the beginning
}
void negative_index() {
  const DeviceArray<float> out(64), in(std::vector<float>(64, 1.f));
  run(negative_index_kernel, 1, 64, 0, out.data(), in.data());
  cudaDeviceSynchronize();
}

__global__ void shared_row_kernel(float* out, const float* in, int width) {
  __shared__ float tile[32][33];
  const unsigned x = threadIdx.x, y = threadIdx.y;
  tile[y][x] = in[y * 32 + x];
  if (x == 31) tile[y][32] = 0;
  __syncthreads();
  out[x * 32 + y] = tile[y][x + static_cast<unsigned>(width)];  // fault: index past a shared row
}
void shared_row() {
  const DeviceArray<float> out(1024), in(std::vector<float>(1024, 1.f));
  run(shared_row_kernel, 1, dim3(32, 32), 0, out.data(), in.data(), 2);
  cudaDeviceSynchronize();
}

__device__ void fill(float* row, int count, float value) {
  for (int i = 0; i < count; ++i) row[i] = value;  // fault: pointer past a shared array
}
__global__ void shared_pointer_kernel(float* out, int count) {
  __shared__ float row[64];
  __shared__ float other[64];
  if (threadIdx.x == 0) {
    fill(other, 64, 2);
    fill(row, count, 1);
    out[0] = row[0] + other[0];
  }
}
void shared_pointer() {
  const DeviceArray<float> out(1);
  run(shared_pointer_kernel, 1, 32, 0, out.data(), 65);
  cudaDeviceSynchronize();
}

__global__ void dynamic_kernel(float* out, int count) {
  float* const shared = static_cast<float*>(metron::emulator::dynamic_shared_memory());
  const int i = static_cast<int>(threadIdx.x);
  if (i < count) shared[i] = 1;  // fault: past dynamic shared memory
  out[i] = 0;
}
void dynamic() {
  const DeviceArray<float> out(128);
  run(dynamic_kernel, 1, 128, 400, out.data(), 101);
  cudaDeviceSynchronize();
}

__global__ void register_array_kernel(float* out, int count) {
  float values[8] = {};
  for (int i = 0; i < count; ++i) values[i] += static_cast<float>(threadIdx.x);  // fault: past a local array
  float sum = 0;
  for (const float value : values) sum += value;
  out[threadIdx.x] = sum;
}
void register_array() {
  const DeviceArray<float> out(32);
  run(register_array_kernel, 1, 32, 0, out.data(), 9);
  cudaDeviceSynchronize();
}

__global__ void host_pointer_kernel(float* out, const float* in) {
  out[threadIdx.x] = in[threadIdx.x];  // fault: host pointer
}
void host_pointer() {
  const DeviceArray<float> out(32);
  static const std::vector<float> in(32);
  run(host_pointer_kernel, 1, 32, 0, out.data(), in.data());
  cudaDeviceSynchronize();
}

__global__ void null_pointer_kernel(const float* in, float* out, bool use) {
  if (use) out[0] = in == nullptr ? 0.f : 1.f;
  atomicAdd(out, 1.f);  // fault: null pointer
}
void null_pointer() {
  run(null_pointer_kernel, 1, 1, 0, nullptr, nullptr, false);
  cudaDeviceSynchronize();
}

__global__ void other_stack_kernel(float* out) {
  __shared__ float* where;
  float mine = 1;
  if (threadIdx.x == 0) where = &mine;
  __syncthreads();
  out[threadIdx.x] = *where;  // fault: local variable of another thread
  __syncthreads();
}
void other_stack() {
  const DeviceArray<float> out(2);
  run(other_stack_kernel, 1, 2, 0, out.data());
  cudaDeviceSynchronize();
}

__global__ void float4_kernel(float* out, const float* in) {
  const float4 v = *reinterpret_cast<const float4*>(in + 4 * threadIdx.x);  // fault: misaligned float4
  out[threadIdx.x] = v.x + v.y + v.z + v.w;
}
void misaligned_float4() {
  const DeviceArray<float> out(8), in(std::vector<float>(36, 1.f));
  run(float4_kernel, 1, 8, 0, out.data(), in.data() + 2);
  cudaDeviceSynchronize();
}

__global__ void float2_kernel(float2* out) {
  out[threadIdx.x] = make_float2(1, 2);  // fault: misaligned float2
}
void misaligned_float2() {
  const DeviceArray<float> out(20);
  run(float2_kernel, 1, 8, 0, reinterpret_cast<float2*>(out.data() + 1));
  cudaDeviceSynchronize();
}

__global__ void scale_kernel(float* data) {
  data[threadIdx.x] = 2;  // fault: use after free
}
void after_free() {
  float* data = nullptr;
  cudaMalloc(&data, 64 * sizeof(float));
  cudaFree(data);
  run(scale_kernel, 1, 64, 0, data);
  cudaDeviceSynchronize();
}

__global__ void taken_back_kernel(float* out, const float* in) {
  out[threadIdx.x] = in[threadIdx.x];  // fault: use of memory taken back
}
void after_mark_freed() {
  const DeviceArray<float> out(64), pool(std::vector<float>(256, 1.f));
  metron::emulator::mark_freed(pool.data() + 64, 64 * sizeof(float));
  run(taken_back_kernel, 1, 64, 0, out.data(), pool.data() + 64);
  cudaDeviceSynchronize();
}

__global__ void constant_store_kernel(const float* table) {
  const_cast<float*>(table)[threadIdx.x] = 1;  // fault: store to the host
}
void constant_store() {
  static float table[32];
  run(constant_store_kernel, 1, 32, 0, table);
  cudaDeviceSynchronize();
}

}  // namespace

std::vector<Fault> address_faults() {
  const std::string file = "tests/emulator/faults_address.cu";
  return {
      {"store off by one", Check::out_of_bounds, "store_off_by_one_kernel", store_off_by_one, file},
      {"load off by one", Check::out_of_bounds, "load_off_by_one_kernel<3>", load_off_by_one, file},
      {"byte store off by one", Check::out_of_bounds, "byte_off_by_one_kernel", byte_off_by_one, file},
      {"load before the beginning", Check::out_of_bounds, "negative_index_kernel", negative_index, file},
      {"index past a shared row", Check::out_of_bounds, "shared_row_kernel", shared_row, file},
      {"pointer past a shared array", Check::out_of_bounds, "shared_pointer_kernel", shared_pointer, file},
      {"past dynamic shared memory", Check::out_of_bounds, "dynamic_kernel", dynamic, file},
      {"past a local array", Check::out_of_bounds, "register_array_kernel", register_array, file},
      {"host pointer", Check::out_of_bounds, "host_pointer_kernel", host_pointer, file},
      {"local variable of another thread", Check::out_of_bounds, "other_stack_kernel", other_stack, file},
      {"store to the host", Check::out_of_bounds, "constant_store_kernel", constant_store, file},
      {"misaligned float4", Check::misaligned, "float4_kernel", misaligned_float4, file},
      {"misaligned float2", Check::misaligned, "float2_kernel", misaligned_float2, file},
      {"use after free", Check::use_after_free, "scale_kernel", after_free, file},
      {"use of memory taken back", Check::use_after_free, "taken_back_kernel", after_mark_freed, file},
  };
}

std::vector<Fault> null_pointer_faults() {  // with the check off such a kernel would end the process
  return {{"null pointer", Check::out_of_bounds, "null_pointer_kernel", null_pointer,
           "tests/emulator/faults_address.cu"}};
}
