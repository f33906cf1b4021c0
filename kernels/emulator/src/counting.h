// Reconstructs a block's warp accesses from the sequential logs of its threads, and counts their
// transactions.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "../emulator.h"
#include "access.h"

namespace metron::emulator {

// The source of accesses: an instruction, and the memory space.
struct CodeSite {
  std::uintptr_t code;
  Access access;
  bool shared;
  auto operator<=>(const CodeSite&) const = default;
};

struct Counts {
  std::uint64_t blocks = 0, barriers = 0, warp_operations = 0;
  std::map<CodeSite, AccessCounters> sites;
  void add(const Counts&);
};

class Counting {
 public:
  static constexpr unsigned lanes = 32;

  explicit Counting(unsigned threads) : logs_(threads) {}

  void note(std::uint32_t thread, bool shared, const Attempt&);
  void barrier() { ++counts_.barriers; }
  void warp_operation() { ++counts_.warp_operations; }
  void end_interval(std::uint32_t first_thread, std::uint32_t count);  // these threads have synchronized
  void end_block(std::uint32_t threads);
  void drop_block();  // it was abandoned
  Counts take() { return std::exchange(counts_, {}); }

 private:
  struct Logged {
    std::uintptr_t address;
    CodeSite site;
    std::uint8_t part;  // of an access wider than one instruction
    std::uint8_t bytes, lane;
    std::uint32_t occurrence;  // how often the lane has executed the instruction
  };

  void end_warp_interval(std::uint32_t first_thread, std::uint32_t last_thread);

  std::vector<std::vector<Logged>> logs_;  // per thread, since its last synchronization
  std::vector<Logged> warp_;
  Counts counts_;
};

}  // namespace metron::emulator
