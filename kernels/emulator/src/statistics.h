// Statistics of launches by kernel: counted accesses, and barriers.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "../emulator.h"
#include "counting.h"

namespace metron::emulator {

struct Launch;

class Statistics {
 public:
  Statistics();  // reads METRON_EMULATOR_COUNTERS
  Statistics(const Statistics&) = delete;
  Statistics& operator=(const Statistics&) = delete;
  ~Statistics();  // writes the table to that file

  std::vector<std::uint64_t> choose_blocks(std::uint64_t blocks, unsigned requested) const;
  void add(const Launch&);
  std::vector<KernelCounters> counters() const;
  std::vector<BarrierUse> barrier_uses() const;
  void reset_counters() { kernels_.clear(); }
  void reset_barrier_uses() { barriers_.clear(); }

 private:
  struct Kernel {
    std::uint64_t launches = 0, blocks = 0;
    Counts counts;
  };
  std::string file_;
  std::map<std::string, Kernel> kernels_;
  std::map<std::tuple<std::string, const char*, int>, std::uint64_t> barriers_;  // by kernel, file, line
};

std::string table(const std::vector<KernelCounters>&);

}  // namespace metron::emulator
