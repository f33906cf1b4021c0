// Launches: limits, kernel attributes, and enqueueing.
#include "launch.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "device.h"
#include "symbols.h"
#include "worker.h"

namespace metron::emulator {

namespace {

std::map<const void*, std::size_t>& dynamic_shared_limits() {  // set by cudaFuncSetAttribute
  static std::map<const void*, std::size_t> limits;
  return limits;
}

std::size_t dynamic_shared_limit(const void* function, const Limits& limits) {
  const auto found = dynamic_shared_limits().find(function);
  return found != dynamic_shared_limits().end() ? found->second : limits.dynamic_shared;
}

std::string extent(dim3 shape) {
  return "(" + std::to_string(shape.x) + "," + std::to_string(shape.y) + "," + std::to_string(shape.z) + ")";
}

// The launch limit that is exceeded; empty if there is none.
struct Broken {
  cudaError_t error = cudaSuccess;
  std::string rule;
};
Broken check_limits(const cudaLaunchConfig_t& config, const Launch& launch, const Limits& limits) {
  const dim3 grid = config.gridDim, block = config.blockDim;
  if (std::uint64_t{grid.x} * grid.y * grid.z == 0)
    return {cudaErrorInvalidConfiguration, "grid " + extent(grid) + " has no block"};
  if (grid.x > limits.grid_x || grid.y > limits.grid_y || grid.z > limits.grid_z)
    return {cudaErrorInvalidConfiguration, "grid " + extent(grid) + " is larger than " +
                                               extent({limits.grid_x, limits.grid_y, limits.grid_z})};
  const bool fits = block.x <= limits.block_x && block.y <= limits.block_y && block.z <= limits.block_z;
  if (const std::uint64_t threads = fits ? std::uint64_t{block.x} * block.y * block.z : 0;
      threads == 0 || threads > std::min(limits.block_threads, max_threads))
    return {cudaErrorInvalidConfiguration, "a block of " + extent(block) +
                                               " threads, where there may be 1 to " +
                                               std::to_string(limits.block_threads) + " in up to " +
                                               extent({limits.block_x, limits.block_y, limits.block_z})};
  const std::size_t dynamic_limit = dynamic_shared_limit(launch.function, limits);
  if (config.dynamicSmemBytes > dynamic_limit)
    return {cudaErrorInvalidValue, std::to_string(config.dynamicSmemBytes) +
                                       " bytes of dynamic shared memory, where the kernel may have " +
                                       std::to_string(dynamic_limit) + " (cudaFuncSetAttribute raises that)"};
  if (launch.static_shared > limits.static_shared)
    return {cudaErrorInvalidValue, std::to_string(launch.static_shared) +
                                       " bytes of static shared memory, where a block may have " +
                                       std::to_string(limits.static_shared)};
  if (launch.static_shared + config.dynamicSmemBytes > limits.dynamic_shared_opt_in)
    return {cudaErrorInvalidValue, std::to_string(launch.static_shared) + " bytes of static and " +
                                       std::to_string(config.dynamicSmemBytes) +
                                       " of dynamic shared memory, where a block may have " +
                                       std::to_string(limits.dynamic_shared_opt_in)};
  return {};
}

// What the kernel promises by __launch_bounds__, and what a cooperative launch needs: all blocks at once.
Broken check_promises(const cudaLaunchConfig_t& config, const Launch& launch, LaunchOptions how,
                      const Limits& limits) {
  const dim3 grid = config.gridDim, block = config.blockDim;
  const unsigned threads = block.x * block.y * block.z;
  if (how.threads_bound != 0 && threads > how.threads_bound)
    return {cudaErrorLaunchOutOfResources, "a block of " + std::to_string(threads) +
                                               " threads, where __launch_bounds__ promises at most " +
                                               std::to_string(how.threads_bound)};
  if (!how.cooperative) return {};
  int per_multiprocessor = 0;
  occupancy(&per_multiprocessor, launch.function, static_cast<int>(threads), config.dynamicSmemBytes);
  const std::uint64_t blocks = std::uint64_t{grid.x} * grid.y * grid.z,
                      most = static_cast<std::uint64_t>(per_multiprocessor * limits.multiprocessors);
  if (blocks <= most) return {};
  return {cudaErrorCooperativeLaunchTooLarge, std::to_string(blocks) +
                                                  " blocks, where a cooperative launch has at most " +
                                                  std::to_string(most) + ", which run at the same time"};
}

// Facts about a kernel from the ELF file, cached.
struct KernelFacts {
  const Module* module = nullptr;
  std::string symbol, name;
  std::size_t static_shared = 0;
};
std::set<std::string>& kernel_symbols() {
  static std::set<std::string> symbols;
  return symbols;
}
const KernelFacts& facts_of(const void* function) {
  static std::map<const void*, KernelFacts> known;
  const auto [entry, is_new] = known.try_emplace(function);
  KernelFacts& facts = entry->second;
  if (!is_new) return facts;
  facts.name = "a kernel without a name";
  facts.module = Module::of(function);
  if (facts.module == nullptr) return facts;
  facts.symbol = facts.module->symbol_of(reinterpret_cast<std::uintptr_t>(function));
  if (facts.symbol.empty()) return facts;
  facts.name = readable_name(facts.symbol);
  facts.static_shared = facts.module->static_shared_of(facts.symbol);
  kernel_symbols().insert(facts.symbol);
  return facts;
}

std::shared_ptr<const void> copy_of(const void* bytes, std::size_t count) {
  constexpr std::align_val_t alignment{argument_alignment};
  std::shared_ptr<void> copy(::operator new(count, alignment),
                             [](void* memory) { ::operator delete(memory, alignment); });
  std::memcpy(copy.get(), bytes, count);
  return copy;
}

}  // namespace

cudaError_t launch(const cudaLaunchConfig_t& config, const void* function, const void* bound,
                   std::size_t bytes, void (*invoke)(const void*), LaunchOptions how) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const cudaStream_t stream = device.streams.find(config.stream);
  if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (function == nullptr) return remember(cudaErrorInvalidDeviceFunction);

  const auto launched = std::make_shared<Launch>();
  const KernelFacts& facts = facts_of(function);
  launched->function = function;
  launched->arguments = copy_of(bound, bytes);
  launched->argument_bytes = bytes;
  launched->invoke = invoke;
  launched->module = facts.module;
  launched->symbol = facts.symbol;
  launched->kernel = facts.name;
  launched->kernels = &kernel_symbols();
  launched->static_shared = facts.static_shared;
  launched->grid = config.gridDim;
  launched->block = config.blockDim;
  launched->dynamic_shared = config.dynamicSmemBytes;
  launched->cooperative = how.cooperative;
  Broken broken = check_limits(config, *launched, device.options.limits);
  if (broken.error == cudaSuccess) broken = check_promises(config, *launched, how, device.options.limits);
  if (broken.error != cudaSuccess) {
    if (device.options.has(Check::launch_limits))
      device.refuse(broken.error, Check::launch_limits, facts.name, broken.rule);
    return remember(broken.error);
  }
  launched->threads = config.blockDim.x * config.blockDim.y * config.blockDim.z;
  launched->blocks = std::uint64_t{config.gridDim.x} * config.gridDim.y * config.gridDim.z;
  ++device.calls.launches;
  device.streams.enqueue(
      stream, [&device, launched] { device.run(*launched); },
      [&timeline = device.timeline, launched] { return timeline.kernel(*launched); });
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
  attributes->sharedSizeBytes = facts_of(function).static_shared;
  attributes->maxDynamicSharedSizeBytes =
      static_cast<int>(dynamic_shared_limit(function, device.options.limits));
  return cudaSuccess;
}

// By threads and shared memory; the emulator does not model registers.
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
