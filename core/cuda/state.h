// What Metron keeps for each CUDA device. Private to core/cuda/, but for its last part.
#pragma once

#include <metron/core/allocator.h>
#include <metron/core/cuda/runtime.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

namespace metron::cuda {

// The record of faults and its pinned copy on the host, made when the first kernel asks for it.
class Faults {
 public:
  Faults(int index, cudaStream_t stream) : index_(index), stream_(stream) {}
  FaultRecord* record();
  // Waits for the stream, throws what the record holds and clears it; false, without waiting, where no kernel
  // has asked for it yet.
  bool synchronize(const char* what);

 private:
  int index_;
  cudaStream_t stream_;
  std::mutex mutex_;  // of the copy, from its submission on
  FaultRecord* host_ = nullptr;
  std::atomic<FaultRecord*> device_{nullptr};
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
  const Buffer& acquire();  // which is then the last of them

  std::mutex mutex_;
  std::deque<Buffer> buffers_;  // the longest unused first
};

struct DeviceState {
  explicit DeviceState(int index);
  cudaStream_t stream;
  int multiprocessors = 0;
  Faults faults;
  Staging staging;
  std::unique_ptr<CachingAllocator> allocator;
};

// What differs between a device and the emulator: implemented in kernels/cuda/device/.
bool is_emulated();
void note_allocated(void* block, std::size_t bytes, cudaStream_t stream);
void note_freed(void* block, std::size_t bytes, cudaStream_t stream);

// Made at the first use of a device and never destroyed: tensors with static lifetime may outlive it.
DeviceState& state(int index);

}  // namespace metron::cuda
