// No thread of the block can run: who waits for whom.
#include "worker.h"

namespace metron::emulator {

void Worker::resolve_deadlock() {
  // A warp operation whose missing lanes have exited, or wait elsewhere, goes on without them.
  for (std::uint32_t first = 0; first < threads_count_; first += warp_lanes) {
    Warp& warp = warps_[first / warp_lanes];
    if (warp.gatherings.empty()) continue;
    const Gathering gathering = warp.gatherings.front();
    warp.gatherings.erase(warp.gatherings.begin());
    return complete(first, gathering);
  }
  current_ = max_threads;  // none: all that wait become ready
  complete_barrier();
}

}  // namespace metron::emulator
