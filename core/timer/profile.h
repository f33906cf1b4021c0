// A profile: all that a profiler recorded, as plain data that can be kept, written and read back. The views
// of it are functions of core/profiler: rank (ranking.h), per module and memory (profile_views.h), trace
// (trace.h), files (profile_file.h).
#pragma once

#include <metron/core/timer/record.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace metron {

inline constexpr std::size_t max_profile_records = std::size_t{1} << 21;

struct Profile {
  std::vector<Record> records;  // in the order in which they began: a parent stands before what it contains
  std::vector<std::string> strings{""};    // module paths and signatures; 0 is the empty one
  std::vector<std::int64_t> module_calls;  // by module path: how often its forward ran
  std::vector<MemoryEvent> memory;
  std::vector<ProfiledStep> steps;
  TimerCost cost;
  std::int64_t start = 0;    // of the first run, ns of the steady clock
  std::int64_t wall_ns = 0;  // of all runs
  bool truncated = false;    // recording ended early: a profile holds max_profile_records at most
  std::string program;       // what was measured, for people; may be empty
};

// The record's op: itself, or the nearest op around it; -1 for a kernel or range outside of all ops.
std::int32_t op_of(const Profile& profile, std::int32_t record);

}  // namespace metron
