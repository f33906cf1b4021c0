// Per-device state. Private to core/cuda/, except for the hooks that kernels/cuda/device/ implements.
#pragma once

#include <metron/core/allocator.h>
#include <metron/core/cuda/runtime.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

namespace metron::cuda {

// The fault record and its pinned host copy, allocated on first use.
class Faults {
 public:
  Faults(int index, cudaStream_t stream) : index_(index), stream_(stream) {}
  FaultRecord* record();
  // Synchronizes the stream, clears the record and throws its fault. Returns false, without waiting, if the
  // record has never been used.
  bool synchronize(const char* what);

 private:
  int index_;
  cudaStream_t stream_;
  std::mutex mutex_;  // guards the host copy
  FaultRecord* host_ = nullptr;
  std::atomic<FaultRecord*> device_{nullptr};
};

// Pinned staging buffers for asynchronous uploads. The caller's memory is free on return; a buffer is
// reusable once its event has completed.
class Staging {
 public:
  void upload(void* destination, const void* source, std::size_t bytes, cudaStream_t stream);

 private:
  struct Buffer {
    std::byte* data;
    cudaEvent_t used;  // recorded after the last copy from the buffer
  };
  const Buffer& acquire();  // moves the buffer to the back

  std::mutex mutex_;
  std::deque<Buffer> buffers_;  // least recently used first
};

struct DeviceState {
  explicit DeviceState(int index);
  cudaStream_t stream;
  int multiprocessors = 0;
  Faults faults;
  Staging staging;
  std::unique_ptr<CachingAllocator> allocator;
};

// Differs between a real device and the emulator; implemented in kernels/cuda/device/.
bool is_emulated();
// The name of the device's clock: empty if there is none, "device", or "model of ..." of a modeled device.
// Installs the clock of a modeled host.
std::string set_up_clock();
void note_allocated(void* block, std::size_t bytes, cudaStream_t stream);
void note_freed(void* block, std::size_t bytes, cudaStream_t stream);

// Created on first use of the device and never destroyed, since tensors with static lifetime may outlive it.
DeviceState& state(int index);
bool is_in_use(int index);  // state(index) has been called

}  // namespace metron::cuda
