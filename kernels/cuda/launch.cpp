#include <metron/kernels/cuda/launch.h>

namespace metron::cuda {

LaunchShape grid_stride_shape(Device device, std::int64_t count, int threads, int per_thread) {
  constexpr std::int64_t waves = 32;
  const std::int64_t blocks = ceil_div(count, std::int64_t{threads} * per_thread);
  const std::int64_t max_blocks = multiprocessors(device.index()) * waves;
  return {static_cast<unsigned>(std::min(blocks, max_blocks)), static_cast<unsigned>(threads), 0};
}

}  // namespace metron::cuda
