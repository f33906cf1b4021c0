// Counts what the warps of a block do with memory, from what its threads do one after the other.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "../emulator.h"
#include "access.h"

namespace metron::emulator {

// Where accesses come from: an instruction, and the space that it met.
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
  void end_interval(std::uint32_t first_thread, std::uint32_t count);  // these threads have synchronised
  void end_block(std::uint32_t threads);
  void drop_block();  // it was given up
  Counts take() { return std::exchange(counts_, {}); }

 private:
  struct Logged {
    std::uintptr_t address;
    CodeSite site;
    std::uint8_t piece;  // of an access wider than an instruction
    std::uint8_t bytes, lane;
    std::uint32_t occurrence;  // which of the lane's executions of the instruction
  };

  void end_warp_interval(std::uint32_t first_thread, std::uint32_t last_thread);

  std::vector<std::vector<Logged>> logs_;  // of each thread, since it last synchronised
  std::vector<Logged> warp_;
  Counts counts_;
};

}  // namespace metron::emulator
