// Profile: everything that a profiler recorded, as plain data. Its views are functions in core/profiler/:
// ranking.h, profile_views.h (modules, memory), trace.h and profile_file.h.
#pragma once

#include <metron/core/timer/record.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace metron {

inline constexpr std::size_t max_profile_records = std::size_t{1} << 21;

struct Profile {
  std::vector<Record> records;             // in order of start time, so parents precede their children
  std::vector<std::string> strings{""};    // module paths and signatures; 0 is the empty string
  std::vector<std::int64_t> module_calls;  // forward calls, by module path
  std::vector<MemoryEvent> memory;
  std::vector<ProfiledStep> steps;
  TimerCost cost;
  std::int64_t start = 0;    // of the first run, in ns of the steady clock
  std::int64_t wall_ns = 0;  // total of all runs
  // Of the device of each record. Shorter than the records, or empty, if the following ones are 0.
  std::vector<std::uint8_t> device_indices;
  bool truncated = false;    // recording stopped at max_profile_records
  std::string program;       // what was measured, as free text; may be empty
  std::string device_clock;  // DeviceClock::name(); empty if no record has a device time
};

inline std::uint8_t device_index_of(const Profile& profile, std::size_t record) {
  return record < profile.device_indices.size() ? profile.device_indices[record] : std::uint8_t{0};
}

// The innermost op that contains the record, or the record itself; -1 outside of all ops.
std::int32_t op_of(const Profile& profile, std::int32_t record);

}  // namespace metron
