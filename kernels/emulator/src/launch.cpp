// Launches: limits, attributes of kernels, and the queueing of the work.
#include "launch.h"

#include <algorithm>
#include <memory>

#include "device.h"

namespace metron::emulator {

namespace {

std::map<const void*, std::size_t>& dynamic_shared_limits() {  // as set by cudaFuncSetAttribute
  static std::map<const void*, std::size_t> limits;
  return limits;
}

std::size_t dynamic_shared_limit(const void* function, const Limits& limits) {
  const auto found = dynamic_shared_limits().find(function);
  return found != dynamic_shared_limits().end() ? found->second : limits.dynamic_shared;
}

cudaError_t check_shape(const cudaLaunchConfig_t& config, const Limits& limits) {
  const dim3 grid = config.gridDim, block = config.blockDim;
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  if (std::uint64_t{grid.x} * grid.y * grid.z == 0 || threads == 0) return cudaErrorInvalidConfiguration;
  if (grid.x > limits.grid_x || grid.y > limits.grid_y || grid.z > limits.grid_z)
    return cudaErrorInvalidConfiguration;
  if (block.x > limits.block_x || block.y > limits.block_y || block.z > limits.block_z ||
      threads > limits.block_threads)
    return cudaErrorInvalidConfiguration;
  return cudaSuccess;
}

}  // namespace

cudaError_t launch(const cudaLaunchConfig_t& config, KernelCall call) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const Limits& limits = device.options.limits;
  const cudaStream_t stream = device.streams.find(config.stream);
  if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (call.function == nullptr) return remember(cudaErrorInvalidDeviceFunction);
  if (const cudaError_t error = check_shape(config, limits); error != cudaSuccess) return remember(error);
  if (config.dynamicSmemBytes > dynamic_shared_limit(call.function, limits))
    return remember(cudaErrorInvalidValue);

  const auto launched = std::make_shared<Launch>();
  launched->call = std::move(call);
  launched->grid = config.gridDim;
  launched->block = config.blockDim;
  launched->dynamic_shared = config.dynamicSmemBytes;
  launched->threads = config.blockDim.x * config.blockDim.y * config.blockDim.z;
  launched->blocks = std::uint64_t{config.gridDim.x} * config.gridDim.y * config.gridDim.z;
  device.streams.enqueue(stream, [&device, launched] { device.run(*launched); });
  return cudaSuccess;
}

cudaError_t set_function_attribute(const void* function, cudaFuncAttribute attribute, int value) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (function == nullptr) return remember(cudaErrorInvalidDeviceFunction);
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;  // hints
  if (value < 0 || static_cast<std::size_t>(value) > device.options.limits.dynamic_shared_opt_in)
    return remember(cudaErrorInvalidValue);
  dynamic_shared_limits()[function] = static_cast<std::size_t>(value);
  return cudaSuccess;
}

cudaError_t function_attributes(cudaFuncAttributes* attributes, const void* function) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (attributes == nullptr || function == nullptr) return remember(cudaErrorInvalidValue);
  *attributes = {};
  attributes->maxThreadsPerBlock = static_cast<int>(device.options.limits.block_threads);
  attributes->numRegs = 32;
  attributes->ptxVersion = attributes->binaryVersion = 90;
  attributes->maxDynamicSharedSizeBytes =
      static_cast<int>(dynamic_shared_limit(function, device.options.limits));
  return cudaSuccess;
}

// By threads and shared memory; registers are the compiler's business.
cudaError_t occupancy(int* blocks, const void* function, int threads, std::size_t dynamic_shared) {
  cudaFuncAttributes kernel;
  if (blocks == nullptr || threads <= 0) return remember(cudaErrorInvalidValue);
  if (const cudaError_t error = function_attributes(&kernel, function); error != cudaSuccess) return error;
  cudaDeviceProp device;
  cudaGetDeviceProperties(&device, 0);
  const int warps = (threads + 31) / 32;
  const std::size_t shared = kernel.sharedSizeBytes + dynamic_shared + device.reservedSharedMemPerBlock;
  *blocks =
      threads > device.maxThreadsPerBlock
          ? 0
          : std::min({device.maxBlocksPerMultiProcessor, device.maxThreadsPerMultiProcessor / (32 * warps),
                      static_cast<int>(device.sharedMemPerMultiprocessor / shared)});
  return cudaSuccess;
}

}  // namespace metron::emulator
