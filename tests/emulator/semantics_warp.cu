// Kernels whose results are known: what the lanes of a warp do together.
#include "semantics.h"

namespace {

constexpr unsigned all = 0xffffffffu;

__global__ void warp_sum_kernel(float* out, const float* in) {
  float sum = in[blockIdx.x * blockDim.x + threadIdx.x];
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(all, sum, offset);
  if (threadIdx.x % warpSize == 0) out[(blockIdx.x * blockDim.x + threadIdx.x) / warpSize] = sum;
}

__global__ void votes_kernel(unsigned* out) {
  const unsigned lane = threadIdx.x;
  unsigned* const mine = out + 5 * lane;
  mine[0] = __ballot_sync(all, lane % 3 == 0);
  mine[1] = static_cast<unsigned>(__any_sync(all, lane == 31));
  mine[2] = static_cast<unsigned>(__all_sync(all, lane < 31));
  const unsigned half = lane < 16 ? 0x0000ffffu : 0xffff0000u;
  mine[3] = __ballot_sync(half, lane % 2);
  mine[4] = __activemask();
}

__global__ void shuffles_kernel(double* out, int width) {
  const int lane = static_cast<int>(threadIdx.x);
  const double value = 100 + lane;
  out[4 * lane] = __shfl_sync(all, value, lane + 3, width);
  out[4 * lane + 1] = __shfl_up_sync(all, value, 2, width);
  out[4 * lane + 2] = __shfl_down_sync(all, value, 3, width);
  out[4 * lane + 3] = __shfl_xor_sync(all, value, 5, width);
}

__global__ void matches_kernel(unsigned* out) {
  const unsigned lane = threadIdx.x;
  int same = 0;
  out[2 * lane] = __match_any_sync(all, lane % 5);
  out[2 * lane + 1] = __match_all_sync(all, 7, &same) & (same != 0 ? all : 0);
}

__global__ void reductions_kernel(int* out) {
  const int lane = static_cast<int>(threadIdx.x), value = lane % 2 == 0 ? lane : -lane;
  const unsigned bits = 0x80u | threadIdx.x;
  int* const mine = out + 6 * lane;
  mine[0] = __reduce_add_sync(all, value);
  mine[1] = __reduce_min_sync(all, value);
  mine[2] = __reduce_max_sync(all, value);
  mine[3] = static_cast<int>(__reduce_and_sync(all, bits));
  mine[4] = static_cast<int>(__reduce_or_sync(all, bits));
  mine[5] = static_cast<int>(__reduce_xor_sync(all, bits));
}

__global__ void partial_syncs_kernel(int* out) {
  __shared__ int values[32];
  const unsigned lane = threadIdx.x, half = lane < 16 ? 0x0000ffffu : 0xffff0000u;
  values[lane] = static_cast<int>(lane);
  __syncwarp(half);
  out[lane] = values[lane ^ 15];
}

}  // namespace

cudaError_t warp_sum(float* out, const float* in, int warps) {
  return run(warp_sum_kernel, static_cast<unsigned>(warps), warp, 0, out, in);
}
cudaError_t warp_votes(unsigned* out) { return run(votes_kernel, 1, warp, 0, out); }
cudaError_t warp_shuffles(double* out, int width) { return run(shuffles_kernel, 1, warp, 0, out, width); }
cudaError_t warp_matches(unsigned* out) { return run(matches_kernel, 1, warp, 0, out); }
cudaError_t warp_reductions(int* out) { return run(reductions_kernel, 1, warp, 0, out); }
cudaError_t partial_syncs(int* out) { return run(partial_syncs_kernel, 1, warp, 0, out); }
