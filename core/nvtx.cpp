#include <metron/core/error.h>
#include <metron/core/nvtx.h>
#include <metron/core/switches.h>

#if defined(METRON_HAVE_NVTX)
#include <nvtx3/nvToolsExt.h>
#endif

namespace metron::detail {

#if defined(METRON_HAVE_NVTX)
bool nvtx_wanted() {
  static const bool wanted = is_switched_on("METRON_NVTX");
  return wanted;
}
void push_nvtx_range(const char* name) { nvtxRangePushA(name); }
void pop_nvtx_range() { nvtxRangePop(); }
#else
bool nvtx_wanted() {
  check<Error>(!is_switched_on("METRON_NVTX"), "profiler",
               "METRON_NVTX is set, but this build has no NVTX: nvtx3/nvToolsExt.h was not found");
  return false;
}
void push_nvtx_range(const char*) {}
void pop_nvtx_range() {}
#endif

}  // namespace metron::detail
