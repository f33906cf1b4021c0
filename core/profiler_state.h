// What a Profiler holds; shared by the recorder (profiler.cpp) and the ranking (ranking.cpp).
#pragma once

#include <metron/core/profiler.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace metron {

// What recording costs, measured when a profiler starts.
struct TimerCost {
  double op_ns = 0;         // an op's record, as its surroundings feel it
  double op_inside_ns = 0;  // the part of it between the record's own start and end
  double kernel_ns = 0;
  double kernel_inside_ns = 0;
  double noise_ns = 0;  // between the median and the 95th percentile of empty records
};

std::uint64_t next_session();  // never 0

struct Profiler::State {
  std::vector<Record> records;
  std::vector<std::string> strings{""};  // interned module paths and signatures; 0 is the empty one
  std::unordered_map<std::string, std::uint32_t> ids{{"", 0}};
  std::unordered_map<std::uint64_t, std::uint32_t> signatures;  // by hash
  const void* owner = nullptr;                                  // the recorded thread, while running
  std::uint64_t session = next_session();  // another one after clear(): positions of before mean nothing then
  std::int64_t started = 0;
  std::int64_t wall_ns = 0;  // of the finished runs
  TimerCost cost;

  std::uint32_t intern(const std::string& text);
  std::uint32_t intern(const Signature& signature);
};

std::int64_t steady_now_ns();

}  // namespace metron
