// The storage behind threadIdx and the other built-in variables. Kernels see them as constants, so device.h
// is not included here.
#include "worker.h"

extern __thread uint3 thread_index __asm__("metron_emulator_thread_index");
extern __thread uint3 block_index __asm__("metron_emulator_block_index");
extern __thread uint3 block_shape __asm__("metron_emulator_block_shape");
extern __thread uint3 grid_shape __asm__("metron_emulator_grid_shape");
__thread uint3 thread_index, block_index, block_shape, grid_shape;
extern __thread bool runs_on_device __asm__("metron_emulator_on_device");
__thread bool runs_on_device;

namespace metron::emulator {

void Position::set_on_device() { runs_on_device = true; }
void Position::set_thread(uint3 index) { thread_index = index; }
void Position::set_block(uint3 index) { block_index = index; }
void Position::set_launch(dim3 grid, dim3 block) {
  grid_shape = grid;
  block_shape = block;
}

}  // namespace metron::emulator
