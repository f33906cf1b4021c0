// What Metron keeps for each CUDA device. Private to core/cuda/.
#pragma once

#include <metron/core/allocator.h>
#include <metron/core/cuda/runtime.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

namespace metron::cuda {

// The record of faults and its pinned copy on the host.
class Faults {
 public:
  Faults();
  FaultRecord* device_record();     // from now on a synchronisation looks at it
  bool fetch(cudaStream_t stream);  // enqueues the copy if a kernel may have written since the last one
  void raise(
      cudaStream_t stream);  // after that copy has arrived: throws what it holds, and clears the record

 private:
  FaultRecord* device_ = nullptr;
  FaultRecord* host_ = nullptr;
  std::atomic<bool> watched_{false};
};

// Pinned buffers that copies from the host pass through, so that neither the caller nor the device waits: the
// caller's memory is free as soon as it was read, a buffer as soon as its event has passed.
class Staging {
 public:
  void upload(void* destination, const void* source, std::size_t bytes, cudaStream_t stream);

 private:
  struct Buffer {
    std::byte* data;
    cudaEvent_t used;  // recorded after the last copy out of it
  };
  Buffer acquire();

  std::mutex mutex_;
  std::deque<Buffer> buffers_;  // the longest unused first
};

struct DeviceState {
  explicit DeviceState(int index);
  cudaStream_t stream = nullptr;
  int multiprocessors = 0;
  Faults faults;
  Staging staging;
  std::unique_ptr<CachingAllocator> allocator;
};

// What differs between a device and the emulator: in on_device.cpp, or on_emulator.cpp.
bool is_emulated();
void note_allocated(void* block, std::size_t bytes, cudaStream_t stream);
void note_freed(void* block, std::size_t bytes, cudaStream_t stream);

// Made at the first use of a device and never destroyed: tensors with static lifetime may outlive it.
DeviceState& state(int index);

}  // namespace metron::cuda
