// Runtime API: settings that change no result here, and callbacks.
#include <map>

#include "../include/emulated/runtime_device.h"
#include "device.h"

using namespace metron::emulator;

namespace {

std::map<cudaLimit, std::size_t>& limits() {
  static std::map<cudaLimit, std::size_t> all{
      {cudaLimitStackSize, 1024}, {cudaLimitPrintfFifoSize, 1 << 20}, {cudaLimitMallocHeapSize, 8 << 20}};
  return all;
}

}  // namespace

cudaError_t cudaDeviceSetLimit(cudaLimit limit, std::size_t value) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  limits()[limit] = value;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetLimit(std::size_t* value, cudaLimit limit) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (value == nullptr) return remember(cudaErrorInvalidValue);
  *value = limits()[limit];
  return cudaSuccess;
}
cudaError_t cudaDeviceSetCacheConfig(cudaFuncCache) { return cudaSuccess; }
cudaError_t cudaDeviceSetSharedMemConfig(cudaSharedMemConfig) { return cudaSuccess; }
cudaError_t cudaSetDeviceFlags(unsigned) { return cudaSuccess; }
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  if (least != nullptr) *least = 0;
  if (greatest != nullptr) *greatest = -5;
  return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int* can, int, int) {
  if (can == nullptr) return remember(cudaErrorInvalidValue);
  *can = 0;  // there is one device
  return cudaSuccess;
}
cudaError_t cudaChooseDevice(int* device, const cudaDeviceProp*) { return cudaGetDevice(device); }

cudaError_t cudaStreamAddCallback(cudaStream_t stream, cudaStreamCallback_t callback, void* argument,
                                  unsigned) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const cudaStream_t queue = device.streams.find(stream);
  if (queue == nullptr || callback == nullptr) return remember(cudaErrorInvalidValue);
  device.streams.enqueue(queue, [=] { callback(stream, cudaSuccess, argument); });
  return cudaSuccess;
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned) {
  return cudaEventRecord(event, stream);
}

cudaError_t cudaProfilerStart() { return cudaSuccess; }
cudaError_t cudaProfilerStop() { return cudaSuccess; }
