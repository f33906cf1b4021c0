// Hooks of state.h on the emulator, which checks accesses against tensors rather than cached blocks.
#include <metron/core/cuda/state.h>
#include <metron/kernels/emulator/emulator.h>

namespace metron::cuda {

bool is_emulated() { return true; }
void note_allocated(void* block, std::size_t bytes, cudaStream_t stream) {
  emulator::mark_allocated(block, bytes, stream);
}
void note_freed(void* block, std::size_t bytes, cudaStream_t stream) {
  emulator::mark_freed(block, bytes, stream);
}

}  // namespace metron::cuda
