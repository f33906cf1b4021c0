// Kernels whose memory traffic can be derived by hand.
#pragma once

#include "launch.h"

inline constexpr int counted_size = 1024;  // floats; 32 warps in 4 blocks unless noted otherwise

cudaError_t copy_coalesced(float* out, const float* in);
cudaError_t copy_by_four(float* out, const float* in);       // one float4 per thread: 8 warps in one block
cudaError_t copy_shifted(float* out, const float* in);       // reads from in + 1: 1023 elements
cudaError_t read_every_second(float* out, const float* in);  // of 2048
cudaError_t read_one(float* out, const float* in);           // all lanes read in[0]
cudaError_t copy_odd_lanes(float* out, const float* in);
cudaError_t sum_prefixes(float* out, const float* in);  // lane i sums i + 1 elements: one warp
cudaError_t add_to_one(int* out);                       // 1 warp, atomics on one word
cudaError_t transpose(float* out, const float* in);     // 32 x 32, directly through global memory
cudaError_t transpose_by_tile(float* out, const float* in, bool padded);
cudaError_t reverse_wide(double* out, const double* in);  // 32 doubles through shared memory
cudaError_t halve_rows(float* out,
                       const float* in);  // float4 accesses to shared memory, one row of 8 per lane
