// Runtime API: streams and events.
#include <algorithm>

#include "device.h"

using namespace metron::emulator;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (stream == nullptr || flags > cudaStreamNonBlocking) return remember(cudaErrorInvalidValue);
  *stream = device.streams.create((flags & cudaStreamNonBlocking) == 0);
  return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (stream == nullptr || device.streams.find(stream) == nullptr)
    return remember(cudaErrorInvalidResourceHandle);
  device.streams.destroy(stream);
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const cudaStream_t queue = device.streams.find(stream);
  if (queue == nullptr) return remember(cudaErrorInvalidResourceHandle);
  return device.synchronize([&] { device.wait_for(queue); });
}

// The first query after new work returns "not ready" and runs the work, so that polling loops terminate. A
// modeled device is ready when the modeled host's clock has reached the end of the work.
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const cudaStream_t queue = device.streams.find(stream);
  if (queue == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (device.timeline.is_on()) {
    device.streams.run(queue);
    if (device.has_passed(queue->model_ns)) return device.take_error();
  } else if (device.streams.idle(queue)) {
    return device.take_error();
  }
  device.streams.run(queue);
  return remember(cudaErrorNotReady);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const cudaStream_t queue = device.streams.find(stream);
  if (queue == nullptr || !device.streams.exists(event)) return remember(cudaErrorInvalidResourceHandle);
  device.streams.wait(queue, event);
  return cudaSuccess;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* argument) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const cudaStream_t queue = device.streams.find(stream);
  if (queue == nullptr) return remember(cudaErrorInvalidResourceHandle);
  device.streams.enqueue(queue, [=] { function(argument); });
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (event == nullptr || (flags & ~(cudaEventBlockingSync | cudaEventDisableTiming)) != 0)
    return remember(cudaErrorInvalidValue);
  *event = device.streams.create_event((flags & cudaEventDisableTiming) == 0);
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const cudaStream_t queue = device.streams.find(stream);
  if (queue == nullptr || !device.streams.exists(event)) return remember(cudaErrorInvalidResourceHandle);
  device.streams.record(event, queue);
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (!device.streams.exists(event)) return remember(cudaErrorInvalidResourceHandle);
  return device.synchronize([&] { device.wait_for(event); });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (!device.streams.exists(event)) return remember(cudaErrorInvalidResourceHandle);
  if (device.timeline.is_on()) {
    device.streams.run_to(event);
    if (device.has_passed(event->model_ns)) return device.take_error();
  } else if (device.streams.is_done(event)) {
    return device.take_error();
  }
  device.streams.run_to(event);
  return remember(cudaErrorNotReady);
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (milliseconds == nullptr) return remember(cudaErrorInvalidValue);
  for (const cudaEvent_t event : {start, end})
    if (!device.streams.exists(event) || !event->timed || event->recorded == 0)
      return remember(cudaErrorInvalidResourceHandle);
  if (!device.streams.is_done(start) || !device.streams.is_done(end)) return remember(cudaErrorNotReady);
  if (device.timeline.is_on()) {
    if (std::max(start->model_ns, end->model_ns) > static_cast<double>(device.timeline.host.now()))
      return remember(cudaErrorNotReady);
    const double ns = device.timeline.quantized(end->model_ns) - device.timeline.quantized(start->model_ns);
    *milliseconds = static_cast<float>(ns * 1e-6);
    return cudaSuccess;
  }
  *milliseconds = std::chrono::duration<float, std::milli>(end->time - start->time).count();
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (!device.streams.exists(event)) return remember(cudaErrorInvalidResourceHandle);
  device.streams.destroy(event);
  return cudaSuccess;
}
