// Times rounds by the device's clock, as a profile does.
#pragma once

#include <metron/core/profiler/profiler.h>
#include <metron/core/timer/clock.h>
#include <metron/tools/bench/timing.h>

#include <map>

namespace metron::tools {

// Runs a profiler while it exists. The device must have a clock.
class DeviceRounds {
 public:
  explicit DeviceRounds(Device device);
  // ns: of the kernels and copies on the device. host_ns: what the host takes to enqueue them, without
  // waiting. The device first gets other work to do, so that it never waits for the host between two calls;
  // how much follows from the contestant's round before. A round is divided if that is more than a queue
  // holds. A contestant must stay where it is in memory.
  RoundTime operator()(const Contestant& contestant, std::int64_t calls);

  // More records would wait in the queue of the device than it holds.
  static constexpr std::int64_t most_calls = 64;

 private:
  void take(const Profile& profile);

  Device device_;
  DeviceClock& clock_;
  RoundTime taken_;
  std::map<const Contestant*, double> call_ns_;  // of the host
  Profiler profiler_;
};

}  // namespace metron::tools
