// What the timer calls above itself. Declared here and defined in core/profiler/profile_environment.cpp: the
// linker connects them, as a table that a static initializer fills would be lost with its object file in a
// static library.
#pragma once

#include <atomic>

namespace metron::detail {

// A profile that the environment asks for (METRON_PROFILE) starts with the first op, on its thread, and takes
// an optimizer's steps for those of the program.
extern std::atomic<bool> environment_profile_wanted;  // core/timer/instruments.cpp
void start_environment_profile();
void optimizer_stepped();
inline void start_environment_profile_once() {
  if (environment_profile_wanted.load(std::memory_order_relaxed)) [[unlikely]]
    start_environment_profile();
}

}  // namespace metron::detail
