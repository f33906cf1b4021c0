#include <metron/kernels/cuda/launch.h>

#include <algorithm>
#include <bit>

namespace metron::cuda {

Launch::Launch(Device device, const LaunchShape& shape) : index_(device.index()), guard_(index_) {
  config_.gridDim = shape.blocks;
  config_.blockDim = shape.threads;
  config_.dynamicSmemBytes = shape.shared_bytes;
  config_.stream = stream(index_);
}

void Launch::check_status(cudaError_t status, const char* op) const {
  check(status, op);
  if (is_synchronous()) [[unlikely]]
    synchronize(index_, op);
}

LaunchShape grid_stride_shape(Device device, std::int64_t count, int threads, int per_thread) {
  constexpr std::int64_t waves = 32;
  const std::int64_t blocks = ceil_div(count, std::int64_t{threads} * per_thread);
  const std::int64_t max_blocks = multiprocessors(device.index()) * waves;
  return {static_cast<unsigned>(std::min(blocks, max_blocks)), static_cast<unsigned>(threads), 0};
}

LaunchShape thread_rows_shape(Device device, std::int64_t count, std::int64_t units, int threads) {
  const unsigned across = std::bit_ceil(static_cast<unsigned>(std::clamp<std::int64_t>(units, 1, threads)));
  const unsigned rows = static_cast<unsigned>(threads) / across;
  LaunchShape shape = grid_stride_shape(device, count, static_cast<int>(rows));
  shape.threads = dim3(across, rows);
  return shape;
}

}  // namespace metron::cuda
