// Runtime API: the device, its limits, and errors.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "device.h"

using namespace metron::emulator;

namespace {

thread_local cudaError_t last_error = cudaSuccess;

struct ErrorText {
  cudaError_t error;
  const char* name;
  const char* text;
};
constexpr ErrorText error_texts[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInitializationError, "cudaErrorInitializationError", "initialization error"},
    {cudaErrorCudartUnloading, "cudaErrorCudartUnloading", "driver shutting down"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorInvalidPitchValue, "cudaErrorInvalidPitchValue", "invalid pitch argument"},
    {cudaErrorInvalidSymbol, "cudaErrorInvalidSymbol", "invalid device symbol"},
    {cudaErrorInvalidDevicePointer, "cudaErrorInvalidDevicePointer", "invalid device pointer"},
    {cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorInvalidDeviceFunction, "cudaErrorInvalidDeviceFunction", "invalid device function"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "an illegal memory access was encountered"},
    {cudaErrorLaunchOutOfResources, "cudaErrorLaunchOutOfResources",
     "too many resources requested for launch"},
    {cudaErrorLaunchTimeout, "cudaErrorLaunchTimeout", "the launch timed out and was terminated"},
    {cudaErrorAssert, "cudaErrorAssert", "device-side assert triggered"},
    {cudaErrorHostMemoryAlreadyRegistered, "cudaErrorHostMemoryAlreadyRegistered",
     "part or all of the requested memory range is already mapped"},
    {cudaErrorHostMemoryNotRegistered, "cudaErrorHostMemoryNotRegistered",
     "pointer does not correspond to a registered memory region"},
    {cudaErrorMisalignedAddress, "cudaErrorMisalignedAddress", "misaligned address"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorCooperativeLaunchTooLarge, "cudaErrorCooperativeLaunchTooLarge",
     "too many blocks in cooperative launch"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
    {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"},
};
const ErrorText* text_of(cudaError_t error) {
  const auto* const found = std::find_if(std::begin(error_texts), std::end(error_texts),
                                         [&](const ErrorText& e) { return e.error == error; });
  return found == std::end(error_texts) ? nullptr : found;
}

constexpr int cores_threads = 2048, cores_blocks = 32;
constexpr std::size_t core_shared = 228u << 10, reserved_shared = 1u << 10;

int attribute(cudaDeviceAttr which, const Limits& limits) {
  switch (which) {
    case cudaDevAttrMaxThreadsPerBlock:
      return static_cast<int>(limits.block_threads);
    case cudaDevAttrMaxBlockDimX:
      return static_cast<int>(limits.block_x);
    case cudaDevAttrMaxBlockDimY:
      return static_cast<int>(limits.block_y);
    case cudaDevAttrMaxBlockDimZ:
      return static_cast<int>(limits.block_z);
    case cudaDevAttrMaxGridDimX:
      return static_cast<int>(limits.grid_x);
    case cudaDevAttrMaxGridDimY:
      return static_cast<int>(limits.grid_y);
    case cudaDevAttrMaxGridDimZ:
      return static_cast<int>(limits.grid_z);
    case cudaDevAttrMaxSharedMemoryPerBlock:
      return static_cast<int>(limits.static_shared);
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      return static_cast<int>(limits.dynamic_shared_opt_in);
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      return static_cast<int>(core_shared);
    case cudaDevAttrReservedSharedMemoryPerBlock:
      return static_cast<int>(reserved_shared);
    case cudaDevAttrTotalConstantMemory:
      return 64 << 10;
    case cudaDevAttrWarpSize:
      return 32;
    case cudaDevAttrMaxRegistersPerBlock:
    case cudaDevAttrMaxRegistersPerMultiprocessor:
      return 64 << 10;
    case cudaDevAttrMultiProcessorCount:
      return limits.multiprocessors;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      return cores_threads;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      return cores_blocks;
    case cudaDevAttrL2CacheSize:
      return 1 << 20;
    case cudaDevAttrComputeCapabilityMajor:
      return 9;
    case cudaDevAttrGpuOverlap:
    case cudaDevAttrCanMapHostMemory:
    case cudaDevAttrManagedMemory:
    case cudaDevAttrConcurrentManagedAccess:
    case cudaDevAttrCooperativeLaunch:
    case cudaDevAttrConcurrentKernels:
    case cudaDevAttrAsyncEngineCount:
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrMemoryPoolsSupported:
      return 1;
    case cudaDevAttrClockRate:  // in kHz: nonzero, as rates are divided by it
    case cudaDevAttrMemoryClockRate:
      return 1;
    case cudaDevAttrGlobalMemoryBusWidth:
      return 32;
    case cudaDevAttrSingleToDoublePrecisionPerfRatio:
      return 2;
    default:
      return 0;
  }
}

}  // namespace

namespace metron::emulator {

cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

}  // namespace metron::emulator

cudaError_t cudaGetLastError() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.take_error();
  return std::exchange(last_error, cudaSuccess);
}
cudaError_t cudaPeekAtLastError() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.take_error();
  return last_error;
}

const char* cudaGetErrorName(cudaError_t error) {
  const ErrorText* const known = text_of(error);
  return known != nullptr ? known->name : "unrecognized error code";
}

// Includes the finding behind the error, if any. The text is valid until this thread's next call.
const char* cudaGetErrorString(cudaError_t error) {
  thread_local std::string full;
  const ErrorText* const known = text_of(error);
  full = known != nullptr ? known->text : "unrecognized error code";
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (const std::string why = device.explanation(error); !why.empty()) full += ": " + why;
  return full.c_str();
}

cudaError_t cudaDeviceSynchronize() {
  Device& device = Device::get();
  return device.synchronize([&] { device.wait_for_all(); });
}
cudaError_t cudaDeviceReset() { return cudaDeviceSynchronize(); }

cudaError_t cudaGetDevice(int* device) {
  if (device == nullptr) return remember(cudaErrorInvalidValue);
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) { return remember(device == 0 ? cudaSuccess : cudaErrorInvalidDevice); }
cudaError_t cudaGetDeviceCount(int* count) {
  if (count == nullptr) return remember(cudaErrorInvalidValue);
  const char* const visible = std::getenv("CUDA_VISIBLE_DEVICES");
  const bool hidden = visible != nullptr && (*visible == '\0' || std::string_view(visible) == "-1");
  *count = hidden ? 0 : 1;
  return remember(hidden ? cudaErrorNoDevice : cudaSuccess);
}
cudaError_t cudaDriverGetVersion(int* version) { return cudaRuntimeGetVersion(version); }
cudaError_t cudaRuntimeGetVersion(int* version) {
  if (version == nullptr) return remember(cudaErrorInvalidValue);
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int device) {
  if (value == nullptr) return remember(cudaErrorInvalidValue);
  if (device != 0) return remember(cudaErrorInvalidDevice);
  *value = attribute(which, options().limits);
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (properties == nullptr) return remember(cudaErrorInvalidValue);
  if (device != 0) return remember(cudaErrorInvalidDevice);
  const Limits limits = options().limits;
  const auto get = [&](cudaDeviceAttr which) { return attribute(which, limits); };
  const auto get_size = [&](cudaDeviceAttr which) {
    return static_cast<std::size_t>(attribute(which, limits));
  };
  *properties = {};
  const std::string model = device_model().name;
  const std::string name = model.empty() ? "Metron emulator" : "Metron emulator, model of " + model;
  std::strncpy(properties->name, name.c_str(), sizeof properties->name - 1);
  properties->totalGlobalMem = limits.memory;
  properties->sharedMemPerBlock = get_size(cudaDevAttrMaxSharedMemoryPerBlock);
  properties->sharedMemPerBlockOptin = get_size(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  properties->sharedMemPerMultiprocessor = get_size(cudaDevAttrMaxSharedMemoryPerMultiprocessor);
  properties->reservedSharedMemPerBlock = get_size(cudaDevAttrReservedSharedMemoryPerBlock);
  properties->regsPerBlock = get(cudaDevAttrMaxRegistersPerBlock);
  properties->regsPerMultiprocessor = get(cudaDevAttrMaxRegistersPerMultiprocessor);
  properties->warpSize = get(cudaDevAttrWarpSize);
  properties->maxThreadsPerBlock = get(cudaDevAttrMaxThreadsPerBlock);
  properties->maxThreadsPerMultiProcessor = get(cudaDevAttrMaxThreadsPerMultiProcessor);
  properties->maxBlocksPerMultiProcessor = get(cudaDevAttrMaxBlocksPerMultiprocessor);
  for (int axis = 0; axis < 3; ++axis) {
    properties->maxThreadsDim[axis] = get(static_cast<cudaDeviceAttr>(cudaDevAttrMaxBlockDimX + axis));
    properties->maxGridSize[axis] = get(static_cast<cudaDeviceAttr>(cudaDevAttrMaxGridDimX + axis));
  }
  properties->totalConstMem = get_size(cudaDevAttrTotalConstantMemory);
  properties->major = get(cudaDevAttrComputeCapabilityMajor);
  properties->minor = get(cudaDevAttrComputeCapabilityMinor);
  properties->multiProcessorCount = get(cudaDevAttrMultiProcessorCount);
  properties->concurrentKernels = get(cudaDevAttrConcurrentKernels);
  properties->asyncEngineCount = get(cudaDevAttrAsyncEngineCount);
  properties->unifiedAddressing = get(cudaDevAttrUnifiedAddressing);
  properties->memoryBusWidth = get(cudaDevAttrGlobalMemoryBusWidth);
  properties->l2CacheSize = get(cudaDevAttrL2CacheSize);
  properties->clockRate = get(cudaDevAttrClockRate);
  properties->memoryClockRate = get(cudaDevAttrMemoryClockRate);
  properties->cooperativeLaunch = properties->managedMemory = properties->concurrentManagedAccess = 1;
  properties->canMapHostMemory = properties->deviceOverlap = properties->streamPrioritiesSupported = 1;
  properties->memPitch = 0x7fffffff;
  properties->textureAlignment = 512;
  properties->memoryPoolsSupported = get(cudaDevAttrMemoryPoolsSupported);
  return cudaSuccess;
}
