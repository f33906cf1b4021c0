// Fiber stacks of one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace metron::emulator {

class Stacks {
 public:
  // Not a power of two: equal frames of neighbouring fibers must not fall on the same cache sets.
  static constexpr std::size_t bytes = 128 * 1024 + 5 * 4096 / 4 + 64;

  explicit Stacks(std::size_t count);
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;
  ~Stacks();

  std::uint32_t take() {
    const std::uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }
  void give_back(std::uint32_t index) { free_.push_back(index); }
  std::uintptr_t begin(std::uint32_t index) const { return region_ + index * bytes; }
  void* top(std::uint32_t index) const {
    return reinterpret_cast<void*>((begin(index) + bytes) & ~std::uintptr_t{63});
  }

 private:
  std::uintptr_t region_;
  std::size_t region_bytes_;
  std::vector<std::uint32_t> free_;
};

}  // namespace metron::emulator
