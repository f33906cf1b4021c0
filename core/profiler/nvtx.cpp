#include <metron/core/error.h>
#include <metron/core/profiler/internal/nvtx.h>
#include <metron/core/switches.h>

#if defined(METRON_HAVE_NVTX)
#include <nvtx3/nvToolsExt.h>
#endif

namespace metron::detail {

RangeHooks nvtx_ranges() {
  static const bool enabled = is_switched_on("METRON_NVTX");
  if (!enabled) return {};
#if defined(METRON_HAVE_NVTX)
  return {.push = [](const char* name) { nvtxRangePushA(name); }, .pop = [] { nvtxRangePop(); }};
#else
  fail<Error>("profiler", "METRON_NVTX is set, but this build has no NVTX: nvtx3/nvToolsExt.h was not found");
#endif
}

}  // namespace metron::detail
