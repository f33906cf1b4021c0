// Fiber stacks of one worker.
#pragma once

#include <sanitizer/asan_interface.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mapping.h"
#include "memory.h"

namespace metron::emulator {

class Stacks {
 public:
  // Not a power of two: the same frames of adjacent fibers would map to the same cache sets.
  static constexpr std::size_t bytes = (128u << 10) + (5u << 10) + 64;

  explicit Stacks(std::size_t count) : memory_(count * bytes) {
    for (std::size_t i = count; i-- > 0;) free_.push_back(static_cast<std::uint32_t>(i));
  }

  std::uint32_t take() {
    const std::uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }
  // An abandoned thread has not returned from its functions: AddressSanitizer still considers its variables
  // live.
  void give_back(std::uint32_t index) {
    ASAN_UNPOISON_MEMORY_REGION(reinterpret_cast<void*>(range(index).begin), bytes);
    free_.push_back(index);
  }
  Range range(std::uint32_t index) const {
    const std::uintptr_t begin = memory_.begin() + index * bytes;
    return {begin, begin + bytes};
  }
  void* top(std::uint32_t index) const {
    return reinterpret_cast<void*>(range(index).end & ~std::uintptr_t{63});
  }
  Range all() const { return {memory_.begin(), memory_.begin() + memory_.size()}; }

 private:
  Mapping memory_;
  std::vector<std::uint32_t> free_;
};

}  // namespace metron::emulator
