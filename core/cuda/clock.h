// The device clock: pooled pairs of events on the stream, or CUPTI's activity records.
#pragma once

#include <metron/core/timer/clock.h>

#include <memory>
#include <string>

namespace metron::cuda {

// The start of the interval that is resolved first, which need not be the earliest one: a negative start
// means that it is unknown.
inline constexpr double first_start_ns = 1e13;

// As METRON_CLOCK says: "events", the default, or "cupti". `name`: DeviceClock::name(). ValueError for
// another word, CudaError if CUPTI is missing.
std::unique_ptr<DeviceClock> make_clock(std::string name);
std::unique_ptr<DeviceClock> make_cupti_clock(std::string name);

}  // namespace metron::cuda
