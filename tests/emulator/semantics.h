// Launchers of the kernels in semantics.cu and semantics_warp.cu.
#pragma once

#include "launch.h"

inline constexpr unsigned warp = 32;

// Barriers, shared and constant memory.
cudaError_t block_sum(float* out, const float* in, int n);  // adds to *out
cudaError_t reverse(int* out, const int* in, int n, cudaStream_t stream = nullptr);
cudaError_t reverse_large(int* out, const int* in, int n,
                          bool raise_limit);        // dynamic shared memory of n ints
cudaError_t block_votes(int* out);                  // 64 threads: count, and, or of each thread's vote
cudaError_t scale_by_constant(float* data, int n);  // by the value passed to set_scale
cudaError_t set_scale(float scale);
int static_shared_bytes();        // of block_sum
int blocks_per_multiprocessor();  // of block_sum

// Ordering.
cudaError_t fill(int* out, int value, int n, cudaStream_t stream);
cudaError_t add_one(int* out, const int* in, int n, cudaStream_t stream);

// Atomics: 64 threads and 4 blocks update cells initialized to 0.
struct AtomicCells {
  int added, subtracted, largest, smallest, exchanged, swapped, and_bits, or_bits, xor_bits;
  unsigned wrapped_up, wrapped_down;
  unsigned long long wide;
  float single;
  double twice;
};
inline constexpr int atomic_threads = 256;
cudaError_t update_atomically(AtomicCells* cells,
                              int* tickets);  // tickets: the value each thread's add returned

// Warp operations on 32 lanes, each with a distinct value.
cudaError_t warp_sum(float* out, const float* in, int warps);
cudaError_t warp_votes(unsigned* out);  // 5 words per lane: ballot, any, all, half-warp ballot, active
cudaError_t warp_shuffles(double* out, int width);  // 4 numbers per lane: indexed, up, down, xor
cudaError_t warp_matches(unsigned* out);            // 2 words per lane: any, all
cudaError_t warp_reductions(int* out);              // 6 words per lane: sum, min, max, and, or, xor
cudaError_t partial_syncs(int* out);                // half-warps exchange values
