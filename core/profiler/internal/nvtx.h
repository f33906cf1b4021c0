// NVTX ranges: with METRON_NVTX=1 every record is also a range in NVIDIA's tools. Without an attached tool a
// range costs a few nanoseconds.
#pragma once

#include <metron/core/timer/internal/recorder.h>

namespace metron::detail {

// Empty unless METRON_NVTX is set. Error if it is set but this build has no NVTX.
RangeHooks nvtx_ranges();

}  // namespace metron::detail
