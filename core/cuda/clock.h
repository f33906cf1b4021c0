// The device clock: pooled pairs of events on the stream.
#pragma once

#include <metron/core/timer/clock.h>

#include <memory>

namespace metron::cuda {

std::unique_ptr<DeviceClock> make_clock();

}  // namespace metron::cuda
