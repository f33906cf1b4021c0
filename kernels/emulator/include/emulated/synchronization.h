// Barriers, votes and shuffles. Each call passes its source line, which identifies barriers.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "qualifiers.h"

namespace metron::emulator {

enum class Vote : std::uint8_t { none, any, all, count };
void grid_barrier(const char* file, int line);
int block_barrier(Vote, bool predicate, const char* file, int line);

enum class WarpOp : std::uint8_t {
  sync,
  shuffle,
  shuffle_up,
  shuffle_down,
  shuffle_xor,
  ballot,
  any,
  all,
  match_any,
  match_all,
  reduce_add,
  reduce_min,
  reduce_max,
  reduce_min_signed,
  reduce_max_signed,
  reduce_and,
  reduce_or,
  reduce_xor
};
// Waits for the lanes of `mask` and returns this lane's result. `operand` is a shuffle's lane, distance or
// mask.
std::uint64_t warp_operation(WarpOp, unsigned mask, std::uint64_t value, unsigned operand, int width,
                             const char* file, int line);
unsigned active_mask();
void thread_fence(bool of_block);

template <class T>
concept Exchangeable = std::is_trivially_copyable_v<T> &&
    (sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8);

template <Exchangeable T>
std::uint64_t to_bits(T value) {
  std::uint64_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof value);
  return bits;
}
template <Exchangeable T>
T from_bits(std::uint64_t bits) {
  T value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace metron::emulator

inline void __syncthreads(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  metron::emulator::block_barrier(metron::emulator::Vote::none, false, file, line);
}
inline int __syncthreads_and(int predicate, const char* file = __builtin_FILE(),
                             int line = __builtin_LINE()) {
  return metron::emulator::block_barrier(metron::emulator::Vote::all, predicate != 0, file, line);
}
inline int __syncthreads_or(int predicate, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return metron::emulator::block_barrier(metron::emulator::Vote::any, predicate != 0, file, line);
}
inline int __syncthreads_count(int predicate, const char* file = __builtin_FILE(),
                               int line = __builtin_LINE()) {
  return metron::emulator::block_barrier(metron::emulator::Vote::count, predicate != 0, file, line);
}

inline void __syncwarp(unsigned mask = 0xffffffffu, const char* file = __builtin_FILE(),
                       int line = __builtin_LINE()) {
  metron::emulator::warp_operation(metron::emulator::WarpOp::sync, mask, 0, 0, 32, file, line);
}

template <metron::emulator::Exchangeable T>
T __shfl_sync(unsigned mask, T value, int lane, int width = 32, const char* file = __builtin_FILE(),
              int line = __builtin_LINE()) {
  using namespace metron::emulator;
  return from_bits<T>(
      warp_operation(WarpOp::shuffle, mask, to_bits(value), static_cast<unsigned>(lane), width, file, line));
}
template <metron::emulator::Exchangeable T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, const char* file = __builtin_FILE(),
                 int line = __builtin_LINE()) {
  using namespace metron::emulator;
  return from_bits<T>(warp_operation(WarpOp::shuffle_up, mask, to_bits(value), delta, width, file, line));
}
template <metron::emulator::Exchangeable T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  using namespace metron::emulator;
  return from_bits<T>(warp_operation(WarpOp::shuffle_down, mask, to_bits(value), delta, width, file, line));
}
template <metron::emulator::Exchangeable T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  using namespace metron::emulator;
  return from_bits<T>(warp_operation(WarpOp::shuffle_xor, mask, to_bits(value),
                                     static_cast<unsigned>(lane_mask), width, file, line));
}

inline unsigned __ballot_sync(unsigned mask, int predicate, const char* file = __builtin_FILE(),
                              int line = __builtin_LINE()) {
  using namespace metron::emulator;
  return static_cast<unsigned>(warp_operation(WarpOp::ballot, mask, predicate != 0, 0, 32, file, line));
}
inline int __any_sync(unsigned mask, int predicate, const char* file = __builtin_FILE(),
                      int line = __builtin_LINE()) {
  using namespace metron::emulator;
  return static_cast<int>(warp_operation(WarpOp::any, mask, predicate != 0, 0, 32, file, line));
}
inline int __all_sync(unsigned mask, int predicate, const char* file = __builtin_FILE(),
                      int line = __builtin_LINE()) {
  using namespace metron::emulator;
  return static_cast<int>(warp_operation(WarpOp::all, mask, predicate != 0, 0, 32, file, line));
}
template <metron::emulator::Exchangeable T>
unsigned __match_any_sync(unsigned mask, T value, const char* file = __builtin_FILE(),
                          int line = __builtin_LINE()) {
  using namespace metron::emulator;
  return static_cast<unsigned>(warp_operation(WarpOp::match_any, mask, to_bits(value), 0, 32, file, line));
}
template <metron::emulator::Exchangeable T>
unsigned __match_all_sync(unsigned mask, T value, int* predicate, const char* file = __builtin_FILE(),
                          int line = __builtin_LINE()) {
  using namespace metron::emulator;
  const auto same =
      static_cast<unsigned>(warp_operation(WarpOp::match_all, mask, to_bits(value), 0, 32, file, line));
  *predicate = same != 0;
  return same;
}

template <class T>
requires std::is_same_v<T, int> || std::is_same_v<T, unsigned> T
__reduce_add_sync(unsigned mask, T value, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  using namespace metron::emulator;
  return static_cast<T>(
      warp_operation(WarpOp::reduce_add, mask, static_cast<unsigned>(value), 0, 32, file, line));
}
template <class T>
requires std::is_same_v<T, int> || std::is_same_v<T, unsigned> T
__reduce_min_sync(unsigned mask, T value, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  using namespace metron::emulator;
  constexpr WarpOp op = std::is_signed_v<T> ? WarpOp::reduce_min_signed : WarpOp::reduce_min;
  return static_cast<T>(warp_operation(op, mask, static_cast<unsigned>(value), 0, 32, file, line));
}
template <class T>
requires std::is_same_v<T, int> || std::is_same_v<T, unsigned> T
__reduce_max_sync(unsigned mask, T value, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  using namespace metron::emulator;
  constexpr WarpOp op = std::is_signed_v<T> ? WarpOp::reduce_max_signed : WarpOp::reduce_max;
  return static_cast<T>(warp_operation(op, mask, static_cast<unsigned>(value), 0, 32, file, line));
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value, const char* file = __builtin_FILE(),
                                  int line = __builtin_LINE()) {
  using namespace metron::emulator;
  return static_cast<unsigned>(warp_operation(WarpOp::reduce_and, mask, value, 0, 32, file, line));
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value, const char* file = __builtin_FILE(),
                                 int line = __builtin_LINE()) {
  using namespace metron::emulator;
  return static_cast<unsigned>(warp_operation(WarpOp::reduce_or, mask, value, 0, 32, file, line));
}
inline unsigned __reduce_xor_sync(unsigned mask, unsigned value, const char* file = __builtin_FILE(),
                                  int line = __builtin_LINE()) {
  using namespace metron::emulator;
  return static_cast<unsigned>(warp_operation(WarpOp::reduce_xor, mask, value, 0, 32, file, line));
}

// Any set of lanes that includes the caller is valid; the minimal one is what diverged lanes would see.
inline unsigned __activemask() { return metron::emulator::active_mask(); }

inline void __threadfence() { metron::emulator::thread_fence(false); }
inline void __threadfence_block() { metron::emulator::thread_fence(true); }
inline void __threadfence_system() { metron::emulator::thread_fence(false); }
