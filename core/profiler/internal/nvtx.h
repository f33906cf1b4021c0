// Ranges of NVTX, which NVIDIA's tools show beside what the GPU does: with METRON_NVTX=1 each record of the
// profiler is one as well. Without a tool a range costs a few nanoseconds.
#pragma once

#include <metron/core/timer/internal/recorder.h>

namespace metron::detail {

// Empty unless METRON_NVTX is set. Error if it is and this build has no NVTX.
RangeHooks nvtx_ranges();

}  // namespace metron::detail
