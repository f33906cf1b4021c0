// The device's work on the host's time axis, and what the host did while the device was idle.
#pragma once

#include <metron/core/timer/profile.h>

#include <cstdint>
#include <vector>

namespace metron::detail {

struct DeviceTimeline {
  struct Work {
    std::int32_t record = -1;
    double start = 0;  // in ns of the steady clock
    double end = 0;
  };
  std::vector<Work> work;  // in stream order; empty if the device clock knows no start times

  // Idle time of the device while it waited for the host, in ns: by record of the innermost op in which the
  // host was then. What it waited outside of all ops is not included.
  std::vector<double> idle_ns;
  double dispatch_idle_ns = 0;  // between two records, with work already enqueued
  double timer_ns = 0;          // of the timer's own events, a part of each record and of the gap before it
};

DeviceTimeline device_timeline(const Profile& profile);

}  // namespace metron::detail
