// Launchers of the kernels in semantics.cu and semantics_warp.cu.
#pragma once

#include "launch.h"

inline constexpr unsigned warp = 32;

// Barriers, shared and constant memory.
cudaError_t block_sum(float* out, const float* in, int n);  // adds to *out
cudaError_t reverse(int* out, const int* in, int n, cudaStream_t stream = nullptr);
cudaError_t reverse_large(int* out, const int* in, int n,
                          bool raise_limit);        // dynamic shared memory of n ints
cudaError_t block_votes(int* out);                  // 64 threads: count, and, or of what each says
cudaError_t scale_by_constant(float* data, int n);  // by what set_scale says
cudaError_t set_scale(float scale);
int static_shared_bytes();        // of the block sum
int blocks_per_multiprocessor();  // of the same

// What happens when.
cudaError_t fill(int* out, int value, int n, cudaStream_t stream);
cudaError_t add_one(int* out, const int* in, int n, cudaStream_t stream);

// Atomics: 64 threads and 4 blocks update cells that begin with 0.
struct AtomicCells {
  int added, subtracted, largest, smallest, exchanged, swapped, and_bits, or_bits, xor_bits;
  unsigned wrapped_up, wrapped_down;
  unsigned long long wide;
  float single;
  double twice;
};
inline constexpr int atomic_threads = 256;
cudaError_t update_atomically(AtomicCells* cells, int* tickets);  // what each thread's add found

// Within a warp: of 32 lanes, each with its own value.
cudaError_t warp_sum(float* out, const float* in, int warps);
cudaError_t warp_votes(unsigned* out);  // 5 words a lane: ballot, any, all, half a warp's ballot, active
cudaError_t warp_shuffles(double* out, int width);  // 4 numbers a lane: indexed, up, down, xor
cudaError_t warp_matches(unsigned* out);            // 2 words a lane: any, all
cudaError_t warp_reductions(int* out);              // 6 words a lane: sum, min, max, and, or, xor
cudaError_t partial_syncs(int* out);                // lanes exchange values by halves
