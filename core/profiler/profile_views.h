// Views of a profile beside the ranking: per module, and memory over time.
#pragma once

#include <metron/core/timer/profile.h>

#include <cstdint>
#include <string>
#include <vector>

namespace metron {

// A module and all below it. Times in microseconds without the timer's own cost, of warm calls.
struct ModuleRow {
  std::string path;  // "" is the model itself, with what its forward computes between its modules
  int depth = 0;
  std::int64_t calls = 0;  // of its forward
  double forward_us = 0;
  double backward_us = 0;
  double first_us = 0;          // the first calls of its kernels, forward and backward, kept apart
  double share = 0;             // of the wall time, first calls included
  double bytes = 0, flops = 0;  // of the warm calls
  double allocated_bytes = 0;
};
std::vector<ModuleRow> module_view(const Profile& profile);  // in the order in which they first ran
std::string to_table(const std::vector<ModuleRow>& rows);
std::string to_csv(const std::vector<ModuleRow>& rows);

struct MemorySummary {
  std::int64_t allocations = 0;
  std::int64_t allocated_bytes = 0;
  std::int64_t freed_bytes = 0;
  std::int64_t peak_bytes = 0;  // the most that was live at once, with what was live before
  std::int64_t peak_time = 0;   // ns of the steady clock
  std::int32_t peak_record = -1;
};
MemorySummary memory_summary(const Profile& profile, Device::Type device);

// A line for each block given out or taken back: when, by which op, and what was live then.
std::string memory_timeline_csv(const Profile& profile);

}  // namespace metron
