// Device functions, on behalf of the running thread.
#include <chrono>
#include <cstring>

#include "../include/emulated/atomics.h"
#include "worker.h"

// Only the declarations: device.h would declare threadIdx.
namespace metron::emulator {

void* dynamic_shared_memory() { return current_worker->dynamic_shared(); }

unsigned lane_id() { return current_worker->thread() % warp_lanes; }
unsigned warp_id() { return current_worker->thread() / warp_lanes; }
unsigned multiprocessor_id() { return 0; }
long long clock() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

void trap(const char* file, int line) {
  current_worker->report({Check::trap, 0, {file, line}, "stops the kernel by __trap()"});
  current_worker->abandon_block();
}

void grid_barrier(const char* file, int line) { current_worker->grid_barrier({file, line}); }

int block_barrier(Vote vote, bool predicate, const char* file, int line) {
  return current_worker->barrier(vote, predicate, {file, line});
}

std::uint64_t warp_operation(WarpOp op, unsigned mask, std::uint64_t value, unsigned operand, int width,
                             const char* file, int line) {
  return current_worker->warp_operation(op, mask, value, operand, width, {file, line});
}

unsigned active_mask() { return current_worker->lane_bit(); }

void thread_fence(bool of_block) {
  if (!of_block) current_worker->fence();
}

void begin_atomic(void* address, std::size_t bytes) {
  const auto code = __builtin_return_address(0);
  check_atomic(checker, {Access::atomic, reinterpret_cast<std::uintptr_t>(address), bytes, code});
  current_worker->begin_atomic(reinterpret_cast<std::uintptr_t>(address));
}
void end_atomic(void* address) { current_worker->end_atomic(reinterpret_cast<std::uintptr_t>(address)); }

std::uint64_t load_bits(const void* address, std::size_t bytes) {
  switch (bytes) {
    case 1:
      return __atomic_load_n(static_cast<const std::uint8_t*>(address), __ATOMIC_SEQ_CST);
    case 2:
      return __atomic_load_n(static_cast<const std::uint16_t*>(address), __ATOMIC_SEQ_CST);
    case 4:
      return __atomic_load_n(static_cast<const std::uint32_t*>(address), __ATOMIC_SEQ_CST);
    default:
      return __atomic_load_n(static_cast<const std::uint64_t*>(address), __ATOMIC_SEQ_CST);
  }
}

namespace {

template <class T>
std::uint64_t exchange_if(void* address, std::uint64_t expected, std::uint64_t desired) {
  T found = static_cast<T>(expected);
  __atomic_compare_exchange_n(static_cast<T*>(address), &found, static_cast<T>(desired), false,
                              __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return found;
}

}  // namespace

std::uint64_t compare_exchange(void* address, std::size_t bytes, std::uint64_t expected,
                               std::uint64_t desired) {
  switch (bytes) {
    case 1:
      return exchange_if<std::uint8_t>(address, expected, desired);
    case 2:
      return exchange_if<std::uint16_t>(address, expected, desired);
    case 4:
      return exchange_if<std::uint32_t>(address, expected, desired);
    default:
      return exchange_if<std::uint64_t>(address, expected, desired);
  }
}

}  // namespace metron::emulator
