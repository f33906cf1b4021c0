// Runtime API: memory and copies.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "../include/emulated/runtime_memory.h"
#include "device.h"
#include "globals.h"
#include "shadow.h"
using namespace metron::emulator;

namespace {

constexpr const char* bad_free = "the pointer is not the beginning of an allocation that is in use";

std::uintptr_t integer(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

void* allocate(std::size_t bytes, const void* code) {
  Device& device = Device::get();
  if (device.fails_allocation() || bytes > device.options.limits.memory ||
      device.memory.used() > device.options.limits.memory - bytes)
    return nullptr;
  return device.memory.allocate(bytes, code);
}

bool contains(const std::map<std::uintptr_t, std::size_t>& blocks, const void* pointer) {
  const auto after = blocks.upper_bound(integer(pointer));
  if (after == blocks.begin()) return false;
  const auto& [begin, bytes] = *std::prev(after);
  return integer(pointer) - begin < bytes;
}
bool is_pinned(const Device& device, const void* pointer) { return contains(device.pinned, pointer); }
bool is_managed(const Device& device, const void* pointer) { return contains(device.managed, pointer); }

cudaMemcpyKind kind_of(const Device& device, const void* to, const void* from) {
  const bool to_device = device.memory.is_device(to), from_device = device.memory.is_device(from);
  return to_device     ? from_device ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice
         : from_device ? cudaMemcpyDeviceToHost
                       : cudaMemcpyHostToHost;
}

// Of device memory, or of the __device__ variables.
const Shadow& shadow_of(const Device& device, const void* pointer) {
  static const Shadow all = device_shadow(Memory::region_begin + Memory::region_bytes);
  if (const Globals* const globals = device.memory.globals_at(integer(pointer))) return globals->shadow;
  return all;
}

Range range_of(const void* pointer, std::size_t bytes) {
  return {integer(pointer), integer(pointer) + bytes};
}

// At execution time: whether the device side of a copy is in use, i.e. handed out by the caching allocator.
bool is_in_use(Device& device, const char* call, const void* pointer, std::size_t bytes) {
  if (const Globals* const globals = device.memory.globals_at(integer(pointer));
      globals != nullptr && globals->range.contains(integer(pointer), bytes))
    return true;
  if (!device.memory.is_device(pointer) ||
      device.memory.live_around(integer(pointer)).contains(integer(pointer), bytes))
    return true;
  const auto found = device.memory.find(integer(pointer));
  std::string rule = std::to_string(bytes) + " bytes of device memory that is not in use";
  if (found != device.memory.none())
    rule = std::to_string(bytes) + " bytes from byte " +
           std::to_string(static_cast<std::ptrdiff_t>(integer(pointer) - found->first)) +
           (found->second.freed ? " of a freed" : " of an") + " allocation of " +
           std::to_string(found->second.bytes);
  device.fail_call(call, rule);
  return false;
}

// Uninitialized bytes stay uninitialized in the copy.
void copy_state(const Device& device, const void* to, const void* from, std::size_t bytes) {
  const std::uintptr_t target = integer(to), source = integer(from);
  const Shadow &target_shadow = shadow_of(device, to), &source_shadow = shadow_of(device, from);
  target_shadow.mark_set(range_of(to, bytes));
  for (std::size_t i = 0; i < bytes; ++i)
    if (!source_shadow.is_set(source + i)) target_shadow.mark_unset(target + i);
}

void copy_now(Device& device, void* to, const void* from, std::size_t bytes) {
  if (device.has_fault() || !is_in_use(device, "cudaMemcpy", to, bytes) ||
      !is_in_use(device, "cudaMemcpy", from, bytes))
    return;
  std::memmove(to, from, bytes);
  if (!device.memory.is_device(to)) return;
  if (device.memory.is_device(from))
    copy_state(device, to, from, bytes);
  else
    shadow_of(device, to).mark_set(range_of(to, bytes));
}

void note_copy(Device& device, cudaMemcpyKind kind, const void* host) {
  CallCounts& calls = device.calls;
  ++(kind == cudaMemcpyHostToDevice   ? calls.copies_to_device
     : kind == cudaMemcpyDeviceToHost ? calls.copies_to_host
                                      : calls.copies_on_device);
  if (kind != cudaMemcpyDeviceToDevice && !is_pinned(device, host)) ++calls.pageable_copies;
}

std::function<Cost()> copy_cost(Device& device, cudaMemcpyKind kind, std::size_t bytes) {
  return [&timeline = device.timeline, kind, moved = static_cast<double>(bytes)] {
    return kind == cudaMemcpyDeviceToDevice ? timeline.copy_on_device(moved)
           : kind == cudaMemcpyDeviceToHost ? timeline.copy(Engine::copy_to_host, moved)
                                            : timeline.copy(Engine::copy_to_device, moved);
  };
}

cudaError_t enqueue_copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                         cudaStream_t stream) {
  Device& device = Device::get();
  const cudaStream_t queue = device.streams.find(stream);
  if (queue == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (bytes == 0) return cudaSuccess;
  if (to == nullptr || from == nullptr) return remember(cudaErrorInvalidValue);
  const cudaMemcpyKind actual = kind_of(device, to, from);
  if (kind != cudaMemcpyDefault && kind != actual && !is_managed(device, to) && !is_managed(device, from)) {
    if (device.options.has(Check::host_call))
      device.refuse(cudaErrorInvalidValue, Check::host_call, "cudaMemcpy",
                    "the pointers are not on the sides that the direction says");
    return remember(cudaErrorInvalidValue);
  }
  note_copy(device, actual, actual == cudaMemcpyHostToDevice ? from : to);
  if (actual == cudaMemcpyHostToDevice &&
      !is_pinned(device, from)) {  // as if staged: the source may change after the call
    const std::shared_ptr<std::byte[]> staged(new std::byte[bytes]);
    std::memcpy(staged.get(), from, bytes);
    device.streams.enqueue(
        queue, [&device, to, staged, bytes] { copy_now(device, to, staged.get(), bytes); },
        copy_cost(device, actual, bytes));
  } else {
    device.streams.enqueue(
        queue, [&device, to, from, bytes] { copy_now(device, to, from, bytes); },
        copy_cost(device, actual, bytes));
  }
  return cudaSuccess;
}

}  // namespace

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (pointer == nullptr) return remember(cudaErrorInvalidValue);
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  *pointer = allocate(bytes, __builtin_return_address(0));
  return remember(*pointer == nullptr ? cudaErrorMemoryAllocation : cudaSuccess);
}

cudaError_t cudaFree(void* pointer) {
  Device& device = Device::get();
  if (pointer == nullptr) return cudaSuccess;
  const cudaError_t error = device.synchronize([&] { device.wait_for_all(); });
  if (error != cudaSuccess) return error;
  const std::lock_guard lock(device.mutex);
  if (!device.pinned.contains(integer(pointer)) && device.memory.release(pointer)) {
    device.managed.erase(integer(pointer));
    return cudaSuccess;
  }
  if (device.options.has(Check::host_call))
    device.refuse(cudaErrorInvalidValue, Check::host_call, "cudaFree", bad_free);
  return remember(cudaErrorInvalidValue);
}

cudaError_t cudaMallocAsync(void** pointer, std::size_t bytes, cudaStream_t stream) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (device.streams.find(stream) == nullptr) return remember(cudaErrorInvalidResourceHandle);
  return cudaMalloc(pointer, bytes);
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const cudaStream_t queue = device.streams.find(stream);
  if (queue == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (pointer != nullptr)
    device.streams.enqueue(queue, [&device, pointer] {
      if (!device.memory.release(pointer)) device.fail_call("cudaFreeAsync", bad_free);
    });
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (pointer == nullptr) return remember(cudaErrorInvalidValue);
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (device.merges_findings) {  // kernels may use it, as on a device
    const cudaError_t error = cudaMallocManaged(pointer, bytes, cudaMemAttachGlobal);
    if (error == cudaSuccess) device.pinned[integer(*pointer)] = bytes;
    return error;
  }
  constexpr std::size_t page = 4096;
  if (device.fails_allocation() || bytes > ~std::size_t{0} - page) return remember(cudaErrorMemoryAllocation);
  *pointer = std::aligned_alloc(page, (bytes + page - 1) / page * page);
  if (*pointer == nullptr) return remember(cudaErrorMemoryAllocation);
  device.pinned[integer(*pointer)] = bytes;
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) { return cudaHostAlloc(pointer, bytes, 0); }

cudaError_t cudaFreeHost(void* pointer) {
  Device& device = Device::get();
  if (pointer == nullptr) return cudaSuccess;
  const cudaError_t error = device.synchronize([&] { device.wait_for_all(); });
  if (error != cudaSuccess) return error;
  const std::lock_guard lock(device.mutex);
  if (device.pinned.erase(integer(pointer)) == 0) return remember(cudaErrorInvalidValue);
  if (device.managed.contains(integer(pointer))) return cudaFree(pointer);
  std::free(pointer);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const cudaError_t error = enqueue_copy(to, from, bytes, kind, stream);
  if (error != cudaSuccess) return error;
  // Pageable memory can't be written asynchronously: such a copy is complete when the call returns.
  if (bytes != 0 && kind_of(device, to, from) == cudaMemcpyDeviceToHost && !is_pinned(device, to))
    return device.synchronize([&] { device.wait_for(device.streams.find(stream)); });
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const cudaError_t error = enqueue_copy(to, from, bytes, kind, nullptr);
  if (error != cudaSuccess) return error;
  return device.synchronize([&] { device.wait_for(device.streams.find(nullptr)); });
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const cudaStream_t queue = device.streams.find(stream);
  if (queue == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (bytes == 0) return cudaSuccess;
  if (!device.memory.is_device(to)) return remember(cudaErrorInvalidValue);
  device.streams.enqueue(
      queue,
      [&device, to, value, bytes] {
        if (device.has_fault() || !is_in_use(device, "cudaMemset", to, bytes)) return;
        std::memset(to, value, bytes);
        shadow_of(device, to).mark_set(range_of(to, bytes));
      },
      [&timeline = device.timeline, bytes] { return timeline.memset(static_cast<double>(bytes)); });
  return cudaSuccess;
}

cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  return cudaMemsetAsync(to, value, bytes, nullptr);
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (free == nullptr || total == nullptr) return remember(cudaErrorInvalidValue);
  *total = device.options.limits.memory;
  *free = *total - std::min(*total, device.memory.used());
  return cudaSuccess;
}

// Freed memory does not stay in a pool here.
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  static char only;
  if (pool == nullptr) return remember(cudaErrorInvalidValue);
  if (device != 0) return remember(cudaErrorInvalidDevice);
  *pool = reinterpret_cast<cudaMemPool_t>(&only);
  return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, std::size_t) {
  return remember(pool == nullptr ? cudaErrorInvalidValue : cudaSuccess);
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  if (attributes == nullptr) return remember(cudaErrorInvalidValue);
  const bool on_device = device.memory.is_device(pointer);
  void* const address = const_cast<void*>(pointer);
  attributes->type = is_pinned(device, pointer)    ? cudaMemoryTypeHost
                     : is_managed(device, pointer) ? cudaMemoryTypeManaged
                     : on_device                   ? cudaMemoryTypeDevice
                                                   : cudaMemoryTypeUnregistered;
  attributes->device = 0;
  attributes->devicePointer = on_device ? address : nullptr;
  attributes->hostPointer = on_device && !is_managed(device, pointer) ? nullptr : address;
  return cudaSuccess;
}

namespace metron::emulator {

cudaError_t copy_to_symbol(void* symbol, std::size_t symbol_bytes, const void* from, std::size_t bytes,
                           std::size_t offset, cudaStream_t stream, bool wait) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  const cudaStream_t queue = device.streams.find(stream);
  if (queue == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (offset > symbol_bytes || bytes > symbol_bytes - offset) return remember(cudaErrorInvalidValue);
  const std::shared_ptr<std::byte[]> staged(new std::byte[bytes]);
  if (bytes == 0) return cudaSuccess;
  std::memcpy(staged.get(), from, bytes);
  device.streams.enqueue(
      queue,
      [&device, to = static_cast<std::byte*>(symbol) + offset, staged, bytes] {
        std::memcpy(to, staged.get(), bytes);
        device.memory.add_registered_globals();
        if (device.memory.is_device(to)) shadow_of(device, to).mark_set(range_of(to, bytes));
      },
      copy_cost(device, cudaMemcpyHostToDevice, bytes));
  return wait ? device.synchronize([&] { device.wait_for(queue); }) : cudaSuccess;
}

void mark_allocated(void* pointer, std::size_t bytes, cudaStream_t stream) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.streams.enqueue(device.streams.find(stream), [&device, begin = integer(pointer), bytes] {
    device.memory.mark_allocated({begin, begin + bytes});
  });
}

void mark_freed(void* pointer, std::size_t bytes, cudaStream_t stream) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.streams.enqueue(device.streams.find(stream), [&device, begin = integer(pointer), bytes] {
    device.memory.mark_freed({begin, begin + bytes});
  });
}

}  // namespace metron::emulator
