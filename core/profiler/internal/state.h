// The state of a Profiler, and internals shared by its sources.
#pragma once

#include <metron/core/profiler/profiler.h>
#include <metron/core/timer/internal/recorder.h>

#include <atomic>
#include <cstdint>

namespace metron {

// A recorder controlled by a schedule.
struct Profiler::State : detail::Recorder {
  Schedule schedule;
  OnCycle on_cycle;
  std::atomic<bool> running{false};
  std::int64_t step = 0;
  std::int64_t step_start = 0;
  bool measured_clock = false;  // since start()
};

namespace detail {

// Lets the device clocks create events ahead, and measures what they add unless it has been. Outside of ops,
// and with the recorder's lock once it records: other threads may start another profiler otherwise.
void prepare_device_clocks(Recorder& recorder, bool& measured);
// Waits for what was enqueued before recording, which is no idle time of it.
void settle_devices();
TimerCost measure_timer_cost(const RangeHooks& ranges);
bool environment_profile_runs();  // METRON_PROFILE has started one

}  // namespace detail
}  // namespace metron
