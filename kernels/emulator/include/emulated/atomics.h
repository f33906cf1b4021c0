// Atomic read-modify-write on global and shared memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "synchronization.h"

namespace metron::emulator {

// Brackets an update for the checks; returns the current bits; compare-and-swap returns the bits found.
void begin_atomic(void* address, std::size_t bytes);
void end_atomic(void* address);
std::uint64_t load_bits(const void* address, std::size_t bytes);
std::uint64_t compare_exchange(void* address, std::size_t bytes, std::uint64_t expected,
                               std::uint64_t desired);

// Replaces *address by next(*address); returns the old value.
template <Exchangeable T, class Next>
inline __attribute__((always_inline)) T atomic_update(T* address, Next next) {
  begin_atomic(address, sizeof(T));
  std::uint64_t old = load_bits(address, sizeof(T));
  for (;;) {
    const std::uint64_t found = compare_exchange(address, sizeof(T), old, to_bits(next(from_bits<T>(old))));
    if (found == old) break;
    old = found;
  }
  end_atomic(address);
  return from_bits<T>(old);
}

template <class T>
concept AtomicInteger = std::is_integral_v<T> &&(sizeof(T) == 4 || sizeof(T) == 8);
template <class T>
using Operand = std::type_identity_t<T>;

}  // namespace metron::emulator

template <metron::emulator::Exchangeable T>
inline __attribute__((always_inline)) T atomicAdd(T* address, metron::emulator::Operand<T> value) {
  return metron::emulator::atomic_update(address, [value](T old) { return static_cast<T>(old + value); });
}
template <metron::emulator::AtomicInteger T>
inline __attribute__((always_inline)) T atomicSub(T* address, metron::emulator::Operand<T> value) {
  return metron::emulator::atomic_update(address, [value](T old) { return static_cast<T>(old - value); });
}
template <metron::emulator::AtomicInteger T>
inline __attribute__((always_inline)) T atomicMax(T* address, metron::emulator::Operand<T> value) {
  return metron::emulator::atomic_update(address, [value](T old) { return std::max(old, value); });
}
template <metron::emulator::AtomicInteger T>
inline __attribute__((always_inline)) T atomicMin(T* address, metron::emulator::Operand<T> value) {
  return metron::emulator::atomic_update(address, [value](T old) { return std::min(old, value); });
}
template <metron::emulator::AtomicInteger T>
inline __attribute__((always_inline)) T atomicAnd(T* address, metron::emulator::Operand<T> value) {
  return metron::emulator::atomic_update(address, [value](T old) { return old & value; });
}
template <metron::emulator::AtomicInteger T>
inline __attribute__((always_inline)) T atomicOr(T* address, metron::emulator::Operand<T> value) {
  return metron::emulator::atomic_update(address, [value](T old) { return old | value; });
}
template <metron::emulator::AtomicInteger T>
inline __attribute__((always_inline)) T atomicXor(T* address, metron::emulator::Operand<T> value) {
  return metron::emulator::atomic_update(address, [value](T old) { return old ^ value; });
}
template <metron::emulator::Exchangeable T>
inline __attribute__((always_inline)) T atomicExch(T* address, metron::emulator::Operand<T> value) {
  return metron::emulator::atomic_update(address, [value](T) { return value; });
}
template <metron::emulator::Exchangeable T>
inline __attribute__((always_inline)) T atomicCAS(T* address, metron::emulator::Operand<T> compare,
                                                  metron::emulator::Operand<T> value) {
  using metron::emulator::to_bits;
  return metron::emulator::atomic_update(
      address, [=](T old) { return to_bits(old) == to_bits(compare) ? value : old; });
}
inline __attribute__((always_inline)) unsigned atomicInc(unsigned* address, unsigned limit) {
  return metron::emulator::atomic_update(address,
                                         [limit](unsigned old) { return old >= limit ? 0 : old + 1; });
}
inline __attribute__((always_inline)) unsigned atomicDec(unsigned* address, unsigned limit) {
  return metron::emulator::atomic_update(
      address, [limit](unsigned old) { return old == 0 || old > limit ? limit : old - 1; });
}
