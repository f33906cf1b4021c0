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
  std::vector<Work> work;  // in the order of their records; empty if the device clock knows no start times
  int devices = 0;         // that did the work

  // Idle time of the device while it waited for the host, in ns: by record of the innermost op in which the
  // host was then. What it waited outside of all ops is not included.
  std::vector<double> idle_ns;
  // Sums over the devices.
  double dispatch_idle_ns = 0;  // between two records, with work already enqueued
  double timer_ns = 0;          // of the timer's own events, a part of each record and of the gap before it
  double behind_ns = 0;         // the device ended this long after the host stopped recording
};

// Empty if the profile has no device clock.
DeviceTimeline device_timeline(const Profile& profile);

// The wall time of the devices, summed over them: that of the host, or longer if one had not finished or
// recording was interrupted.
double device_wall_ns(const Profile& profile, const DeviceTimeline& timeline);

}  // namespace metron::detail
