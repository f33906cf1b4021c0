// Kernel launches, for the CUDA toolkit and the emulator alike.
#pragma once

#include <metron/core/cuda/runtime.h>
#include <metron/core/device.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace metron::cuda {

inline constexpr int warp_size = 32;

struct LaunchShape {
  dim3 blocks = 1;
  dim3 threads = 1;
  std::size_t shared_bytes = 0;  // dynamic
};

// Enough blocks of `threads` for `count` items, `per_thread` each. Grid-stride kernels cap the grid at a few
// waves: more blocks would only queue.
LaunchShape grid_stride_shape(Device device, std::int64_t count, int threads, int per_thread = 1);

// For `count` items, each of which a row of a block's threads processes: as many threads as the item has
// units, rounded up to a power of two, and as many rows as fit in `threads`, which is one.
LaunchShape thread_rows_shape(Device device, std::int64_t count, std::int64_t units, int threads);

// A launch apart from its kernel's types, compiled once.
class Launch {
 public:
  Launch(Device device, const LaunchShape& shape);
  // Throws the launch's error, and with METRON_CUDA_SYNC=1 the kernel's.
  void check_status(cudaError_t status, const char* op) const;
  const cudaLaunchConfig_t* config() const { return &config_; }

 private:
  int index_;
  DeviceGuard guard_;
  cudaLaunchConfig_t config_{};
};

// Enqueues kernel(args...) on the device's stream. An empty grid launches nothing. `op` names the kernel in
// errors.
template <typename... Params, typename... Args>
void launch(const char* op, Device device, const LaunchShape& shape, void (*kernel)(Params...),
            Args&&... args) {
  if (shape.blocks.x == 0 || shape.blocks.y == 0 || shape.blocks.z == 0) return;
  const Launch launch(device, shape);
  launch.check_status(cudaLaunchKernelEx(launch.config(), kernel, std::forward<Args>(args)...), op);
}

inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace metron::cuda
