// CUDA's qualifiers. Macros, as kernel sources must compile unchanged. `metron nvcc` handles those that stand
// before declarations itself.
#pragma once

#define __forceinline__ inline __attribute__((always_inline))
#define __align__(n) __attribute__((aligned(n)))
#define __restrict__ __restrict

#if !defined(METRON_NVCC)

#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)
#define __grid_constant__

// A separate section distinguishes constant memory from the host's variables.
#define __constant__ __attribute__((section("metron_constant")))

// A worker runs one block at a time, so per-worker storage is shared by exactly a block. The guard separates
// adjacent variables: an index past the end of one must not fall into the next.
#define METRON_EMULATOR_JOIN_(a, b) a##b
#define METRON_EMULATOR_JOIN(a, b) METRON_EMULATOR_JOIN_(a, b)
#define __shared__                                                                              \
  __attribute__((used)) thread_local char METRON_EMULATOR_JOIN(metron_guard_, __COUNTER__)[64]; \
  thread_local __attribute__((aligned(32)))

#endif
