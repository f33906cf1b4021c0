#include <metron/core/cuda/runtime.h>
#include <metron/core/cuda/state.h>
#include <metron/core/cuda/transfers.h>
#include <metron/core/timer/scopes.h>

#include <algorithm>
#include <cstring>

namespace metron::cuda {
namespace {

constexpr std::size_t ring_bytes = std::size_t{8} << 20, chunk_bytes = std::size_t{1} << 20;
constexpr std::size_t max_in_flight = 64;  // chunks
constexpr std::size_t alignment = 256;     // of a chunk
// Below, the transfer takes less than the copy and the events that overlapping costs.
constexpr std::size_t min_overlapping_bytes = std::size_t{64} << 10;

constexpr std::size_t rounded_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

// Each step may throw; the next upload then continues from there.
void Uploads::allocate(bool overlapping) {
  if (host_ == nullptr) host_ = static_cast<std::byte*>(allocate_pinned(index_, ring_bytes));
  free_.reserve(max_in_flight);
  while (events_ < max_in_flight) {
    cudaEvent_t event = nullptr;
    METRON_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    free_.push_back(event);
    ++events_;
  }
  if (!overlapping || device_ != nullptr) return;
  if (arrived_ == nullptr) METRON_CUDA(cudaEventCreateWithFlags(&arrived_, cudaEventDisableTiming));
  if (copy_stream_ == nullptr) METRON_CUDA(cudaStreamCreateWithFlags(&copy_stream_, cudaStreamNonBlocking));
  try {
    device_ = static_cast<std::byte*>(allocate_device(index_, ring_bytes));
  } catch (const OutOfMemoryError&) {
    may_overlap_ = false;  // overlapping is not worth emptying caches again
  }
}

void Uploads::retire_first() {
  const Chunk first = in_flight_.front();
  const cudaError_t status = query(first.used);
  if (status == cudaErrorNotReady) {
    const WaitScope waiting(Device(Device::Type::cuda, index_));
    METRON_CUDA(cudaEventSynchronize(first.used));
  } else {
    METRON_CUDA(status);
  }
  begin_ = first.end;
  free_.push_back(first.used);
  in_flight_.pop_front();
}

std::size_t Uploads::reserve(std::size_t bytes) {
  std::size_t begin = rounded_up(end_, alignment);
  if (begin % ring_bytes + bytes > ring_bytes) begin = rounded_up(begin, ring_bytes);
  while (!in_flight_.empty() && (begin + bytes - begin_ > ring_bytes || free_.empty())) retire_first();
  end_ = begin + bytes;
  return begin % ring_bytes;
}

void Uploads::copy(void* destination, std::size_t offset, std::size_t bytes, bool overlapping) {
  if (!overlapping) {
    METRON_CUDA(cudaMemcpyAsync(destination, host_ + offset, bytes, cudaMemcpyHostToDevice, stream_));
    return;
  }
  METRON_CUDA(cudaMemcpyAsync(device_ + offset, host_ + offset, bytes, cudaMemcpyHostToDevice, copy_stream_));
  METRON_CUDA(cudaEventRecord(arrived_, copy_stream_));
  METRON_CUDA(cudaStreamWaitEvent(stream_, arrived_, 0));
  METRON_CUDA(cudaMemcpyAsync(destination, device_ + offset, bytes, cudaMemcpyDeviceToDevice, stream_));
}

void Uploads::upload(void* destination, const void* source, std::size_t bytes, bool in_order) {
  const std::lock_guard lock(mutex_);
  bool overlapping = may_overlap_ && !in_order && bytes >= min_overlapping_bytes;
  allocate(overlapping);
  overlapping = overlapping && device_ != nullptr;
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t length = std::min(bytes - done, chunk_bytes);
    const std::size_t offset = reserve(length);
    std::memcpy(host_ + offset, static_cast<const std::byte*>(source) + done, length);
    // In flight even if a call fails after the copy has been enqueued.
    in_flight_.push_back({end_, free_.back()});
    free_.pop_back();
    copy(static_cast<std::byte*>(destination) + done, offset, length, overlapping);
    METRON_CUDA(cudaEventRecord(in_flight_.back().used, stream_));
    done += length;
  }
}

void Downloads::enqueue(const void* source, std::size_t bytes, cudaStream_t stream) {
  if (host_ == nullptr) host_ = static_cast<std::byte*>(allocate_pinned(index_, max_bytes));
  METRON_CUDA(cudaMemcpyAsync(host_, source, bytes, cudaMemcpyDeviceToHost, stream));
}

}  // namespace metron::cuda
