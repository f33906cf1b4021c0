// Copies between host and device, through pinned memory: from or to pageable memory, a copy waits for the
// device or is staged by the driver.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

namespace metron::cuda {

// Uploads through a ring of pinned memory. The caller's memory is free on return. The ring is allocated on
// first use and never grows; only an upload that finds it full waits.
//
// A large upload runs on a stream of its own, beside kernels enqueued before, and into a ring of device
// memory, as those kernels may still use its destination. The compute stream then copies it there.
class Uploads {
 public:
  Uploads(int index, cudaStream_t stream) : index_(index), stream_(stream) {}
  // `in_order`: on the compute stream only, where a profiler's events time it.
  void upload(void* destination, const void* source, std::size_t bytes, bool in_order);

 private:
  struct Chunk {
    std::size_t end;   // of its bytes, counted since the first upload
    cudaEvent_t used;  // recorded after its last use
  };
  void allocate(bool overlapping);
  std::size_t reserve(std::size_t bytes);  // its offset in the ring
  void retire_first();                     // waits for it
  void copy(void* destination, std::size_t offset, std::size_t bytes, bool overlapping);

  int index_;
  cudaStream_t stream_, copy_stream_ = nullptr;
  std::mutex mutex_;
  std::byte *host_ = nullptr, *device_ = nullptr;  // the rings
  std::size_t begin_ = 0, end_ = 0;                // of the bytes in flight, counted since the first upload
  std::deque<Chunk> in_flight_;                    // oldest first
  std::vector<cudaEvent_t> free_;                  // events
  std::size_t events_ = 0;                         // created so far
  cudaEvent_t arrived_ = nullptr;
  bool may_overlap_ = true;  // until there is no memory for the device's ring
};

// Downloads through a pinned block, one at a time.
class Downloads {
 public:
  explicit Downloads(int index) : index_(index) {}
  static constexpr std::size_t max_bytes = std::size_t{1} << 20;

  // From enqueueing a copy until its bytes have been read.
  std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
  void enqueue(const void* source, std::size_t bytes, cudaStream_t stream);  // at most max_bytes
  const std::byte* data() const { return host_; }                            // after a synchronization

 private:
  int index_;
  std::mutex mutex_;
  std::byte* host_ = nullptr;
};

}  // namespace metron::cuda
