// The device clock: pooled pairs of events on the stream.
#pragma once

#include <metron/core/timer/clock.h>

#include <memory>
#include <string>

namespace metron::cuda {

// `name`: DeviceClock::name().
std::unique_ptr<DeviceClock> make_clock(std::string name);

}  // namespace metron::cuda
