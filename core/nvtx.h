// Ranges of NVTX, which NVIDIA's tools show beside what the GPU does: with METRON_NVTX=1 each record of the
// profiler is one as well. Without a tool a range costs a few nanoseconds.
#pragma once

namespace metron::detail {

// Whether METRON_NVTX is set. Error if this build has no NVTX.
bool nvtx_wanted();

void push_nvtx_range(const char* name);  // on this thread, inside of those that are open
void pop_nvtx_range();

}  // namespace metron::detail
