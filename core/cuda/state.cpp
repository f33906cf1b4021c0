#include <metron/core/cuda/state.h>
#include <metron/core/device.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace metron::cuda {
namespace {

// Blocks come and go in the stream's order, so neither call waits for the device.
class DeviceMemory : public MemorySource {
 public:
  DeviceMemory(int index, cudaStream_t stream) : index_(index), stream_(stream) {}
  void* allocate(std::size_t bytes) override {
    const DeviceGuard guard(index_);
    void* block = nullptr;
    const cudaError_t status = cudaMallocAsync(&block, bytes, stream_);
    if (status == cudaErrorMemoryAllocation) {
      static_cast<void>(cudaGetLastError());
      return nullptr;
    }
    check(status, "cudaMallocAsync(&block, bytes, stream)");
    return block;
  }
  // An error here would come from an earlier kernel, and is reported where the next call is checked.
  void release(void* block, std::size_t) override { static_cast<void>(cudaFreeAsync(block, stream_)); }
  std::string name() const override { return Device(Device::Type::cuda, index_).name(); }
  void handed_out(void* block, std::size_t bytes) override { note_allocated(block, bytes, stream_); }
  void taken_back(void* block, std::size_t bytes) override { note_freed(block, bytes, stream_); }

 private:
  int index_;
  cudaStream_t stream_;
};

// Half of the memory may wait for reuse: an out-of-memory empties the cache before it is one.
std::size_t cache_limit(int index) {
  std::size_t free = 0, total = 0;
  const DeviceGuard guard(index);
  METRON_CUDA(cudaMemGetInfo(&free, &total));
  return total / 2;
}

constexpr std::size_t staging_bytes = std::size_t{1} << 20;
constexpr std::size_t staging_buffers = 64;

}  // namespace

Faults::Faults() {
  METRON_CUDA(cudaMalloc(reinterpret_cast<void**>(&device_), sizeof(FaultRecord)));
  METRON_CUDA(cudaMemset(device_, 0, sizeof(FaultRecord)));
  METRON_CUDA(cudaStreamSynchronize(nullptr));  // where the memset went, which our stream does not wait for
  METRON_CUDA(cudaMallocHost(reinterpret_cast<void**>(&host_), sizeof(FaultRecord)));
}

FaultRecord* Faults::device_record() {
  watched_.store(true, std::memory_order_relaxed);
  return device_;
}

bool Faults::fetch(cudaStream_t stream) {
  if (!watched_.exchange(false, std::memory_order_relaxed)) return false;
  METRON_CUDA(cudaMemcpyAsync(host_, device_, sizeof(FaultRecord), cudaMemcpyDeviceToHost, stream));
  return true;
}

void Faults::raise(cudaStream_t stream) {
  const FaultRecord found = *host_;
  if (found.code == 0) return;
  METRON_CUDA(cudaMemsetAsync(device_, 0, sizeof(FaultRecord), stream));
  const bool target = found.code == static_cast<std::int32_t>(Fault::target);
  fail<ValueError>(target ? "nll_loss" : "embedding", target ? "a target" : "an index", " must be in [0, ",
                   found.limit, "), got ", found.value);
}

// One that the device has done with, or a new one; waits only where there are many and all are under way.
Staging::Buffer Staging::acquire() {
  const bool done = !buffers_.empty() && cudaEventQuery(buffers_.front().used) == cudaSuccess;
  if (done || buffers_.size() == staging_buffers) {
    const Buffer oldest = buffers_.front();
    if (!done) METRON_CUDA(cudaEventSynchronize(oldest.used));
    buffers_.pop_front();
    return oldest;
  }
  Buffer made{};
  METRON_CUDA(cudaMallocHost(reinterpret_cast<void**>(&made.data), staging_bytes));
  METRON_CUDA(cudaEventCreateWithFlags(&made.used, cudaEventDisableTiming));
  return made;
}

void Staging::upload(void* destination, const void* source, std::size_t bytes, cudaStream_t stream) {
  const std::lock_guard lock(mutex_);
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t length = std::min(bytes - done, staging_bytes);
    const Buffer buffer = acquire();
    std::memcpy(buffer.data, static_cast<const std::byte*>(source) + done, length);
    METRON_CUDA(cudaMemcpyAsync(static_cast<std::byte*>(destination) + done, buffer.data, length,
                                cudaMemcpyHostToDevice, stream));
    METRON_CUDA(cudaEventRecord(buffer.used, stream));
    buffers_.push_back(buffer);
    done += length;
  }
}

DeviceState::DeviceState(int index) {
  const DeviceGuard guard(index);
  METRON_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  METRON_CUDA(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, index));
  allocator =
      std::make_unique<CachingAllocator>(std::make_unique<DeviceMemory>(index, stream), cache_limit(index));
}

DeviceState& state(int index) {
  struct Entry {
    std::once_flag made;
    std::unique_ptr<DeviceState> state;
  };
  static auto& entries = *new std::vector<Entry>(static_cast<std::size_t>(device_count()));
  Entry& entry = entries.at(static_cast<std::size_t>(index));
  std::call_once(entry.made, [&] { entry.state = std::make_unique<DeviceState>(index); });
  return *entry.state;
}

}  // namespace metron::cuda
