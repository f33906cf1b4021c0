// Views of a profile: per module, and memory over time.
#pragma once

#include <metron/core/timer/profile.h>

#include <cstdint>
#include <string>
#include <vector>

namespace metron {

// A module, including its submodules. Times of warm calls in microseconds, without the timer's overhead:
// those of the device if the profile has device times, else those of the host.
struct ModuleRow {
  std::string path;  // "" is the model itself, including ops outside of its submodules
  int depth = 0;
  std::int64_t calls = 0;  // forward calls
  double forward_us = 0;
  double backward_us = 0;
  double first_us = 0;          // first calls of its kernels, forward and backward
  double share = 0;             // of the wall time, including first calls
  std::string clock;            // Profile::device_clock; empty if times are the host's
  double host_us = 0;           // of the host, forward and backward, including first calls; without waiting
  double bytes = 0, flops = 0;  // of warm calls
  double allocated_bytes = 0;
};
std::vector<ModuleRow> module_view(const Profile& profile);  // in order of their first call
std::string to_table(const std::vector<ModuleRow>& rows);
std::string to_csv(const std::vector<ModuleRow>& rows);

struct MemorySummary {
  std::int64_t allocations = 0;
  std::int64_t allocated_bytes = 0;
  std::int64_t freed_bytes = 0;
  std::int64_t peak_bytes = 0;  // maximum of live bytes, including earlier allocations
  std::int64_t peak_time = 0;   // ns of the steady clock
  std::int32_t peak_record = -1;
};
MemorySummary memory_summary(const Profile& profile, Device::Type device);

// One line per allocation and deallocation: time, op and live bytes. With device times also the time at which
// the device reaches the work that the host enqueued next.
std::string memory_timeline_csv(const Profile& profile);

}  // namespace metron
