// A program that checks its own results: what a public CUDA program uses, in every spelling of a launch.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <curand_kernel.h>

#include "features.h"

namespace cg = cooperative_groups;

static int failures = 0;
#define EXPECT(condition)                                               \
  do {                                                                  \
    if (!(condition)) {                                                 \
      std::printf("line %d: %s does not hold\n", __LINE__, #condition); \
      ++failures;                                                       \
    }                                                                   \
  } while (0)
#define CHECK(call) EXPECT((call) == cudaSuccess)
#define LAUNCH(kernel, blocks, threads, ...) kernel<<<blocks, threads>>>(__VA_ARGS__)

__constant__ float weights[4];
__constant__ const int fixed_weight = 3;
__device__ int counter = 5;
__device__ float table[8];
static __device__ const int primes[] = {2, 3, 5, 7};
__managed__ int managed_flag;

struct Point {
  int x, y;
  __host__ __device__ int sum() const { return x + y; }
};

// Templates, a default argument, an unnamed parameter, a structure and an array of pointers.
template <class T, int step = 1>
__global__ void fill(T* out, int n, T value = T(7), Point = {1, 2}) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = value + step * i;
}
__global__ void overloaded(int* out) { out[threadIdx.x] = 1; }
__global__ void overloaded(float* out) { out[threadIdx.x] = 2.0f; }
template <class... Ts>
__global__ void pack(int* out, Ts... values) {
  *out = (0 + ... + static_cast<int>(values));
}
template <class F>
__global__ void apply(int* out, F f) {
  out[threadIdx.x] = f(static_cast<int>(threadIdx.x));
}
namespace inner::deeper {
static __global__ void store(int* out, const Point p) { *out = p.sum(); }
}  // namespace inner::deeper

extern __shared__ int dynamic_ints[];  // at namespace scope
__device__ int from_dynamic(int i) { return dynamic_ints[i]; }
__global__ void __launch_bounds__(128, 2) reverse(int* data) {
  dynamic_ints[threadIdx.x] = data[threadIdx.x];
  __syncthreads();
  data[threadIdx.x] = from_dynamic(blockDim.x - 1 - threadIdx.x);
}
template <class T>
__global__ void sum_dynamic(T* out) {
  extern __shared__ __align__(16) unsigned char bytes[];
  T* values = reinterpret_cast<T*>(bytes);
  for (int i = threadIdx.x; i < 20000; i += blockDim.x) values[i] = T(1);
  __syncthreads();
  if (threadIdx.x == 0) {
    T sum = 0;
    for (int i = 0; i < 20000; ++i) sum += values[i];
    *out = sum;
  }
}

__global__ void memories(int* out) {
  atomicAdd(&counter, 1);
  table[threadIdx.x] = weights[threadIdx.x % 4] * fixed_weight;
  out[threadIdx.x] = primes[threadIdx.x % 4];
  if (threadIdx.x == 0) managed_flag += 1;
}

__global__ void groups(int* out, unsigned* word) {
  const cg::thread_block block = cg::this_thread_block();
  const cg::thread_block_tile<16> tile = cg::tiled_partition<16>(block);
  const int sum = cg::reduce(tile, static_cast<int>(tile.thread_rank()), cg::plus<int>());
  out[block.thread_rank()] = sum + static_cast<int>(tile.meta_group_rank());
  block.sync();
  unsigned lane;
  asm volatile("mov.u32 %0, %%laneid;" : "=r"(lane));
  const unsigned votes = __ballot_sync(0xffffffffu, lane % 2);
  const int total = __reduce_add_sync(0xffffffffu, 1);
  if (threadIdx.x == 0) *word = votes + static_cast<unsigned>(total);
}

__global__ void across_blocks(int* data, int* out) {  // needs the whole grid at once
  const cg::grid_group grid = cg::this_grid();
  __shared__ int kept;
  if (threadIdx.x == 0) kept = static_cast<int>(blockIdx.x);
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x, n = gridDim.x * blockDim.x;
  data[i] = static_cast<int>(i);
  grid.sync();
  out[i] = data[n - 1 - i] + kept;
  grid.sync();
  data[i] = out[(i + 1) % n];
}

__global__ void halves(__half* h, __nv_bfloat16* b, float* out) {
  const __half2 pair = __hmul2(__float2half2_rn(1.5f), __floats2half2_rn(2.0f, 4.0f));
  *h = __hadd(__low2half(pair), __high2half(pair));
  *b = __float2bfloat16(0.5f) * __float2bfloat16(3.0f);
  *out = __half2float(*h) + __bfloat162float(*b) + rsqrtf(4.0f) + __fdividef(1.0f, 4.0f);
}

template <class State>
__global__ void random_numbers(unsigned* out, unsigned sequence) {
  State state;
  curand_init(1, sequence, 5, &state);
  for (int i = 0; i < 6; ++i) out[i] = curand(&state);
}

__global__ void says(int n) {
  if (threadIdx.x == 0) printf("kernel says %d of %.1f\n", n, 2.5);
}

template <class T>
std::vector<T> host(const T* data, int n) {
  std::vector<T> x(n);
  CHECK(cudaMemcpy(x.data(), data, n * sizeof(T), cudaMemcpyDeviceToHost));
  return x;
}

void launches(int* out) {
  int n = 64;
  fill<int, 2><<<dim3(2), 32>>>(out, n, 1);
  EXPECT(host(out, n)[63] == 127);
  // clang-format off
  fill<<<
      (n + 31) / 32,
      32
      >> >(out, n);
  // clang-format on
  EXPECT(host(out, n)[1] == 8);
  void (*by_pointer)(int*, int, int, Point) = fill < int, (3 > 2) ? 4 : 1 > ;
  by_pointer<<<1, n>>>(out, n, 0, Point{});
  EXPECT(host(out, n)[2] == 8);
  LAUNCH((fill<int, 1>), 1, 64, out, n, 5);
  EXPECT(host(out, n)[0] == 5);
  overloaded<<<1, 1>>>(out);
  EXPECT(host(out, 1)[0] == 1);
  overloaded<<<1, 1>>>(reinterpret_cast<float*>(out));
  EXPECT(host(reinterpret_cast<float*>(out), 1)[0] == 2.0f);
  pack<<<1, 1>>>(out, 1, 2.0f, 'a' - 'a' + 3L);
  EXPECT(host(out, 1)[0] == 6);
  const int base = 10;
  apply<<<1, 4>>>(out, [=] __device__(int i) { return base * i; });
  EXPECT(host(out, 4)[3] == 30);
  if (n > 0) inner::deeper::store<<<1, 1>>>(out, Point{3, 4});
  EXPECT(host(out, 1)[0] == 7);
  Point point{5, 6};
  void* arguments[] = {&out, &point};
  CHECK(cudaLaunchKernel((void*)inner::deeper::store, dim3(1), dim3(1), arguments, 0, 0));
  EXPECT(host(out, 1)[0] == 11);
  says<<<1, 32>>>(1);
  fill<int><<<1, 2048>>>(out, n);
  EXPECT(cudaGetLastError() == cudaErrorInvalidConfiguration);
  reverse<<<1, 256, 256 * sizeof(int)>>>(out);
  EXPECT(cudaGetLastError() == cudaErrorLaunchOutOfResources);
}

void shared_memory(int* out) {
  fill<int><<<1, 100>>>(out, 100, 0);
  cudaStream_t stream;
  CHECK(cudaStreamCreate(&stream));
  CHECK(cudaDeviceSynchronize());
  reverse<<<1, 100, 100 * sizeof(int), stream>>>(out);
  CHECK(cudaStreamSynchronize(stream));
  CHECK(cudaStreamDestroy(stream));
  EXPECT(host(out, 100)[0] == 99);
  sum_dynamic<int><<<1, 64, 20000 * sizeof(int)>>>(out);
  EXPECT(cudaGetLastError() == cudaErrorInvalidValue);
  CHECK(cudaFuncSetAttribute(sum_dynamic<int>, cudaFuncAttributeMaxDynamicSharedMemorySize, 80000));
  sum_dynamic<int><<<1, 256, 20000 * sizeof(int)>>>(out);
  EXPECT(host(out, 1)[0] == 20000);
}

void variables(int* out) {
  const float values[] = {1, 2, 3, 4};
  CHECK(cudaMemcpyToSymbol(weights, values, sizeof values));
  memories<<<1, 8>>>(out);
  int count = 0;
  CHECK(cudaMemcpyFromSymbol(&count, counter, sizeof count));
  EXPECT(count == 13);
  float* address = nullptr;
  CHECK(cudaGetSymbolAddress((void**)&address, table));
  EXPECT(host(address, 8)[5] == 6.0f);
  EXPECT(host(out, 4)[3] == 7);
  EXPECT(managed_flag == 1);
  int* managed = nullptr;
  CHECK(cudaMallocManaged(&managed, 16 * sizeof(int)));
  managed[3] = 1;
  fill<<<1, 16>>>(managed, 16, managed[3]);
  CHECK(cudaDeviceSynchronize());
  EXPECT(managed[15] == 16);
  CHECK(cudaFree(managed));
}

void pitched() {
  int source[3][5] = {{0, 1, 2, 3, 4}, {5, 6, 7, 8, 9}, {10, 11, 12, 13, 14}}, back[3][5] = {};
  char* rows;
  size_t pitch;
  CHECK(cudaMallocPitch(&rows, &pitch, sizeof source[0], 3));
  CHECK(cudaMemcpy2D(rows, pitch, source, sizeof source[0], sizeof source[0], 3, cudaMemcpyHostToDevice));
  CHECK(cudaMemcpy2D(back, sizeof back[0], rows, pitch, sizeof back[0], 3, cudaMemcpyDeviceToHost));
  EXPECT(std::memcmp(source, back, sizeof source) == 0);
  cudaPitchedPtr cube;
  CHECK(cudaMalloc3D(&cube, make_cudaExtent(16, 2, 2)));
  CHECK(cudaMemset3D(cube, 1, make_cudaExtent(16, 2, 2)));
  cudaMemcpy3DParms copy = {};
  int plane[2][2][4] = {};
  copy.srcPtr = cube;
  copy.dstPtr = make_cudaPitchedPtr(plane, 16, 16, 2);
  copy.extent = make_cudaExtent(16, 2, 2);
  copy.kind = cudaMemcpyDeviceToHost;
  CHECK(cudaMemcpy3D(&copy));
  EXPECT(plane[1][1][3] == 0x01010101);
  CHECK(cudaFree(rows));
  CHECK(cudaFree(cube.ptr));
}

void cooperation(int* out, int* data) {
  unsigned* word;
  CHECK(cudaMalloc(&word, sizeof *word));
  groups<<<1, 64>>>(out, word);
  EXPECT(host(out, 64)[63] == 120 + 3);
  EXPECT(host(word, 1)[0] == 0xaaaaaaaau + 32);
  void* arguments[] = {&data, &out};
  CHECK(cudaLaunchCooperativeKernel((void*)across_blocks, 4, 32, arguments));
  EXPECT(host(out, 128)[0] == 127);
  EXPECT(host(data, 128)[0] == 126);
  CHECK(cudaLaunchCooperativeKernel((void*)across_blocks, 1, 32, arguments));
  EXPECT(cudaLaunchCooperativeKernel((void*)across_blocks, 100000, 32, arguments) ==
         cudaErrorCooperativeLaunchTooLarge);
  CHECK(cudaFree(word));
}

void random_sequences(unsigned* out) {  // as cuRAND's own generators compute them
  random_numbers<curandState><<<1, 1>>>(out, 77);
  EXPECT(host(out, 6) == (std::vector<unsigned>{1075022430u, 2633691654u, 2820087837u, 2594988618u,
                                                3585340518u, 3602895195u}));
  random_numbers<curandStatePhilox4_32_10_t><<<1, 1>>>(out, 77);
  EXPECT(host(out, 6) ==
         (std::vector<unsigned>{4137749752u, 192600086u, 315917572u, 3852167813u, 1064524390u, 2135055158u}));
}

int main() {
  int *out, *data;
  CHECK(cudaMalloc(&out, 4096 * sizeof(int)));
  CHECK(cudaMalloc((void**)&data, 4096 * sizeof(int)));
  cudaEvent_t start, stop;
  CHECK(cudaEventCreate(&start));
  CHECK(cudaEventCreate(&stop));
  CHECK(cudaEventRecord(start));
  launches(out);
  shared_memory(out);
  variables(out);
  pitched();
  cooperation(out, data);
  random_sequences(reinterpret_cast<unsigned*>(out));
  __half* h;
  __nv_bfloat16* b;
  CHECK(cudaMalloc(&h, 2));
  CHECK(cudaMalloc(&b, 2));
  halves<<<1, 1>>>(h, b, reinterpret_cast<float*>(out));
  EXPECT(host(reinterpret_cast<float*>(out), 1)[0] == 9.0f + 1.5f + 0.5f + 0.25f);
  CHECK(cudaEventRecord(stop));
  CHECK(cudaEventSynchronize(stop));
  float milliseconds = -1;
  CHECK(cudaEventElapsedTime(&milliseconds, start, stop));
  EXPECT(milliseconds >= 0);
  cudaDeviceProp properties;
  CHECK(cudaGetDeviceProperties(&properties, 0));
  EXPECT(properties.warpSize == 32 && properties.major == 9);
  int grid = 0, block = 0;
  CHECK(cudaOccupancyMaxPotentialBlockSize(&grid, &block, memories));
  EXPECT(block > 0 && grid > 0);
  for (void* memory : {(void*)out, (void*)data, (void*)h, (void*)b}) CHECK(cudaFree(memory));
  std::printf(failures == 0 ? "all passed\n" : "%d failed\n", failures);
  return failures == 0 ? FEATURES_STATUS : 1;
}
