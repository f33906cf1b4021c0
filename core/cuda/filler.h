// Work for a stream, so that what is enqueued behind it does not wait for the host.
#pragma once

#include <metron/core/cuda/runtime.h>

#include <cstddef>

namespace metron::cuda {

// Work that takes the device longer than the host needs to enqueue it; none if there is no memory for it.
class Filler {
 public:
  Filler(int index, cudaStream_t stream) : guard_(index), stream_(stream) {
    cudaError_t status = cudaMallocAsync(&block_, bytes_, stream_);
    while (status == cudaErrorMemoryAllocation) {
      static_cast<void>(cudaGetLastError());
      block_ = nullptr;
      if (bytes_ <= least_bytes) return;
      bytes_ /= 2;
      status = cudaMallocAsync(&block_, bytes_, stream_);
    }
    METRON_CUDA(status);
  }
  ~Filler() {
    if (has_work()) static_cast<void>(cudaFreeAsync(block_, stream_));
  }
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;
  bool has_work() const { return block_ != nullptr; }
  void enqueue(int times) {
    for (int i = 0; has_work() && i < times; ++i) METRON_CUDA(cudaMemsetAsync(block_, 0, bytes_, stream_));
  }

 private:
  static constexpr std::size_t least_bytes = std::size_t{1} << 20;
  std::size_t bytes_ = 32 * least_bytes;
  DeviceGuard guard_;
  cudaStream_t stream_;
  void* block_ = nullptr;
};

}  // namespace metron::cuda
