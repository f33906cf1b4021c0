// Thread and block indices, and dynamic shared memory.
#pragma once

#include <cstddef>

#include "qualifiers.h"
#include "vector_types.h"

// Set by the runtime before a thread runs, and constant for the kernel: the compiler may keep them in
// registers, and does not instrument them.
extern const __thread uint3 threadIdx __asm__("metron_emulator_thread_index");
extern const __thread uint3 blockIdx __asm__("metron_emulator_block_index");
extern const __thread uint3 blockDim __asm__("metron_emulator_block_shape");
extern const __thread uint3 gridDim __asm__("metron_emulator_grid_shape");
inline constexpr int warpSize = 32;

namespace metron::emulator {

void* dynamic_shared_memory();
long long clock();
unsigned lane_id();
unsigned warp_id();
unsigned multiprocessor_id();
bool report_at_exit();  // of a program of `metron nvcc`: its findings, and the exit status
bool register_globals(const void* begin, const void* end);  // the section of a module's __device__ variables
[[noreturn]] void trap(const char* file, int line);

}  // namespace metron::emulator

inline long long clock64() { return metron::emulator::clock(); }
[[noreturn]] inline void __trap(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  metron::emulator::trap(file, line);
}
