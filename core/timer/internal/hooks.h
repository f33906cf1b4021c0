// Calls from the timer up into the profiler, defined in core/profiler/profile_environment.cpp. The linker
// resolves them: in a static library, an object file that only registers itself in a static initializer would
// be dropped.
#pragma once

#include <atomic>

namespace metron::detail {

// METRON_PROFILE starts a profile with the first op, on its thread. Optimizer steps delimit the training
// steps.
extern std::atomic<bool> environment_profile_pending;  // core/timer/instruments.cpp
void start_environment_profile();
void optimizer_stepped();
inline void start_environment_profile_once() {
  if (environment_profile_pending.load(std::memory_order_relaxed)) [[unlikely]]
    start_environment_profile();
}

}  // namespace metron::detail
