// Hooks of state.h on a real device: no-ops.
#include <metron/core/cuda/state.h>

namespace metron::cuda {

bool is_emulated() { return false; }
std::string set_up_clock() { return "device"; }
void note_allocated(void*, std::size_t, cudaStream_t) {}
void note_freed(void*, std::size_t, cudaStream_t) {}

}  // namespace metron::cuda
