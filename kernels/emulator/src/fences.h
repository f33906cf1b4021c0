// Synchronization between blocks: writes, __threadfence() and an atomic on one side; an atomic on the same
// word, then reads on the other.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "shadow.h"

namespace metron::emulator {

// What a block has acquired through atomics: for each word, the number of releases that preceded its own
// operation.
using Acquired = std::vector<std::pair<std::uintptr_t, std::size_t>>;

class Fences {
 public:
  bool used() const { return used_.load(std::memory_order_relaxed); }
  void use() { used_.store(true, std::memory_order_relaxed); }

  // The block of `fence` releases its preceding writes by an atomic on the word.
  void release(std::uintptr_t word, Record fence);
  void acquire(std::uintptr_t word, Acquired&);  // after the atomic
  bool has_acquired(const Acquired&, Record) const;

 private:
  struct Release {
    std::size_t index;
    Record fence;
  };
  std::atomic<bool> used_{false};
  mutable std::mutex mutex_;
  std::unordered_map<std::uintptr_t, std::unordered_map<std::uint64_t, Release>>
      releases_;  // by word and block
};

}  // namespace metron::emulator
