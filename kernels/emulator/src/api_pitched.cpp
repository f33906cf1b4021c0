// Runtime API: pitched and 3-D memory, row by row; managed and registered memory; symbols.
#include <cstring>
#include <memory>

#include "../include/emulated/runtime_memory.h"
#include "device.h"
#include "globals.h"

using namespace metron::emulator;

namespace {

constexpr std::size_t pitch_alignment = 512;

std::size_t pitch_of(std::size_t width) {
  return (width + pitch_alignment - 1) / pitch_alignment * pitch_alignment;
}

char* row_of(void* pointer, std::size_t pitch, std::size_t row) {
  return static_cast<char*>(pointer) + pitch * row;
}
const char* row_of(const void* pointer, std::size_t pitch, std::size_t row) {
  return static_cast<const char*>(pointer) + pitch * row;
}

template <class Row>
cudaError_t for_each_row(std::size_t rows, const Row& row) {
  for (std::size_t i = 0; i < rows; ++i)
    if (const cudaError_t error = row(i); error != cudaSuccess) return error;
  return cudaSuccess;
}

cudaError_t wait(cudaError_t enqueued) {
  if (enqueued != cudaSuccess) return enqueued;
  Device& device = Device::get();
  return device.synchronize([&] { device.wait_for(device.streams.find(nullptr)); });
}

}  // namespace

cudaError_t cudaMallocPitch(void** pointer, std::size_t* pitch, std::size_t width, std::size_t height) {
  if (pitch == nullptr) return remember(cudaErrorInvalidValue);
  *pitch = pitch_of(width);
  return cudaMalloc(pointer, *pitch * height);
}

cudaError_t cudaMalloc3D(cudaPitchedPtr* pitched, cudaExtent extent) {
  if (pitched == nullptr) return remember(cudaErrorInvalidValue);
  pitched->xsize = extent.width;
  pitched->ysize = extent.height;
  return cudaMallocPitch(&pitched->ptr, &pitched->pitch, extent.width, extent.height * extent.depth);
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind,
                              cudaStream_t stream) {
  if (width > to_pitch || width > from_pitch) return remember(cudaErrorInvalidPitchValue);
  return for_each_row(height, [&](std::size_t row) {
    return cudaMemcpyAsync(row_of(to, to_pitch, row), row_of(from, from_pitch, row), width, kind, stream);
  });
}

cudaError_t cudaMemcpy2D(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                         std::size_t width, std::size_t height, cudaMemcpyKind kind) {
  return wait(cudaMemcpy2DAsync(to, to_pitch, from, from_pitch, width, height, kind, nullptr));
}

cudaError_t cudaMemcpy3DAsync(const cudaMemcpy3DParms* parameters, cudaStream_t stream) {
  if (parameters == nullptr || parameters->srcPtr.ptr == nullptr || parameters->dstPtr.ptr == nullptr)
    return remember(cudaErrorInvalidValue);
  const cudaPitchedPtr to = parameters->dstPtr, from = parameters->srcPtr;
  const cudaPos to_pos = parameters->dstPos, from_pos = parameters->srcPos;
  const cudaExtent extent = parameters->extent;
  return for_each_row(extent.depth, [&](std::size_t z) {
    const std::size_t to_row = (to_pos.z + z) * to.ysize + to_pos.y,
                      from_row = (from_pos.z + z) * from.ysize + from_pos.y;
    return cudaMemcpy2DAsync(row_of(to.ptr, to.pitch, to_row) + to_pos.x, to.pitch,
                             row_of(from.ptr, from.pitch, from_row) + from_pos.x, from.pitch, extent.width,
                             extent.height, parameters->kind, stream);
  });
}

cudaError_t cudaMemcpy3D(const cudaMemcpy3DParms* parameters) {
  return wait(cudaMemcpy3DAsync(parameters, nullptr));
}

cudaError_t cudaMemset2DAsync(void* to, std::size_t pitch, int value, std::size_t width, std::size_t height,
                              cudaStream_t stream) {
  if (width > pitch) return remember(cudaErrorInvalidPitchValue);
  return for_each_row(
      height, [&](std::size_t row) { return cudaMemsetAsync(row_of(to, pitch, row), value, width, stream); });
}

cudaError_t cudaMemset2D(void* to, std::size_t pitch, int value, std::size_t width, std::size_t height) {
  return cudaMemset2DAsync(to, pitch, value, width, height, nullptr);
}

cudaError_t cudaMemset3D(cudaPitchedPtr to, int value, cudaExtent extent) {
  return for_each_row(extent.depth, [&](std::size_t z) {
    return cudaMemset2D(row_of(to.ptr, to.pitch, z * to.ysize), to.pitch, value, extent.width, extent.height);
  });
}

cudaError_t cudaMallocManaged(void** pointer, std::size_t bytes, unsigned) {
  const cudaError_t error = cudaMalloc(pointer, bytes);
  if (error != cudaSuccess || bytes == 0) return error;
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const auto begin = reinterpret_cast<std::uintptr_t>(*pointer);
  device.managed[begin] = bytes;
  device_shadow(begin + bytes).mark_set({begin, begin + bytes});
  std::memset(*pointer, 0, bytes);
  return cudaSuccess;
}

cudaError_t cudaHostRegister(void* pointer, std::size_t bytes, unsigned) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (pointer == nullptr || bytes == 0) return remember(cudaErrorInvalidValue);
  device.pinned[reinterpret_cast<std::uintptr_t>(pointer)] = bytes;
  return cudaSuccess;
}

cudaError_t cudaHostUnregister(void* pointer) {
  Device& device = Device::get();
  const cudaError_t error = device.synchronize([&] { device.wait_for_all(); });
  if (error != cudaSuccess) return error;
  const std::lock_guard lock(device.mutex);
  const auto registered = device.pinned.erase(reinterpret_cast<std::uintptr_t>(pointer));
  return remember(registered == 0 ? cudaErrorInvalidValue : cudaSuccess);
}

// Kernels can use pinned memory of a program of `metron nvcc`; other memory, although registered, they
// cannot.
cudaError_t cudaHostGetDevicePointer(void** on_device, void* pointer, unsigned) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (on_device == nullptr) return remember(cudaErrorInvalidValue);
  if (!device.managed.contains(reinterpret_cast<std::uintptr_t>(pointer)))
    return remember(cudaErrorNotSupported);
  *on_device = pointer;
  return cudaSuccess;
}
cudaError_t cudaHostGetFlags(unsigned* flags, void*) {
  if (flags == nullptr) return remember(cudaErrorInvalidValue);
  *flags = cudaHostAllocMapped;
  return cudaSuccess;
}

cudaError_t cudaMemPrefetchAsync(const void*, std::size_t, int, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaMemAdvise(const void*, std::size_t, cudaMemoryAdvise, int) { return cudaSuccess; }

namespace metron::emulator {

cudaError_t copy_from_symbol(void* to, const void* symbol, std::size_t symbol_bytes, std::size_t bytes,
                             std::size_t offset, cudaStream_t stream, bool waits) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const cudaStream_t queue = device.streams.find(stream);
  if (queue == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (offset > symbol_bytes || bytes > symbol_bytes - offset || to == nullptr)
    return remember(cudaErrorInvalidValue);
  device.streams.enqueue(queue, [&device, to, from = static_cast<const std::byte*>(symbol) + offset, bytes] {
    if (!device.has_fault()) std::memcpy(to, from, bytes);
    const auto begin = reinterpret_cast<std::uintptr_t>(to);
    if (device.memory.is_device(to)) device_shadow(begin + bytes).mark_set({begin, begin + bytes});
  });
  return waits ? device.synchronize([&] { device.wait_for(queue); }) : cudaSuccess;
}

cudaError_t symbol_address(void** address, const void* symbol) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.memory.add_registered_globals();
  if (address == nullptr) return remember(cudaErrorInvalidValue);
  if (device.memory.globals_at(reinterpret_cast<std::uintptr_t>(symbol)) == nullptr)
    return remember(cudaErrorInvalidSymbol);
  *address = const_cast<void*>(symbol);
  return cudaSuccess;
}

}  // namespace metron::emulator
