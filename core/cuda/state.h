// Per-device state. Private to core/cuda/, except for the hooks that kernels/cuda/device/ implements.
#pragma once

#include <metron/core/allocator.h>
#include <metron/core/cuda/runtime.h>
#include <metron/core/cuda/transfers.h>

#include <atomic>
#include <cstddef>
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

struct DeviceState {
  explicit DeviceState(int index);
  cudaStream_t stream;
  int multiprocessors = 0;
  Faults faults;
  Uploads uploads;
  Downloads downloads;
  std::unique_ptr<CachingAllocator> allocator;
};

// Memory that lives as long as the state. If the driver has none, as much as possible is released before
// another try. OutOfMemoryError, with statistics.
void* allocate_device(int index, std::size_t bytes);
void* allocate_pinned(int index, std::size_t bytes);

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
