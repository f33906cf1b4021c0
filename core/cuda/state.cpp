#include <metron/core/cuda/state.h>
#include <metron/core/device.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace metron::cuda {
namespace {

// Stream-ordered allocation, so that no call waits for the device.
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
  // An error here stems from an earlier kernel; the next checked call reports it.
  void release(void* block, std::size_t) override { static_cast<void>(cudaFreeAsync(block, stream_)); }
  std::string name() const override { return Device(Device::Type::cuda, index_).name(); }
  void handed_out(void* block, std::size_t bytes) override { note_allocated(block, bytes, stream_); }
  void taken_back(void* block, std::size_t bytes) override { note_freed(block, bytes, stream_); }

 private:
  int index_;
  cudaStream_t stream_;
};

// Half of the memory may be cached. The allocator empties the cache before it reports an out-of-memory error.
std::size_t cache_limit(int index) {
  std::size_t free = 0, total = 0;
  const DeviceGuard guard(index);
  METRON_CUDA(cudaMemGetInfo(&free, &total));
  return total / 2;
}

cudaStream_t make_stream(int index) {
  const DeviceGuard guard(index);
  cudaStream_t stream = nullptr;
  METRON_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return stream;
}

constexpr std::size_t staging_bytes = std::size_t{1} << 20;
constexpr std::size_t staging_buffers = 64;

}  // namespace

FaultRecord* Faults::record() {
  if (FaultRecord* record = device_.load(std::memory_order_acquire); record != nullptr) return record;
  const std::lock_guard lock(mutex_);
  if (FaultRecord* record = device_.load(std::memory_order_relaxed); record != nullptr) return record;
  const DeviceGuard guard(index_);
  if (host_ == nullptr) METRON_CUDA(cudaMallocHost(reinterpret_cast<void**>(&host_), sizeof(FaultRecord)));
  FaultRecord* record = nullptr;
  METRON_CUDA(cudaMalloc(reinterpret_cast<void**>(&record), sizeof(FaultRecord)));
  METRON_CUDA(cudaMemsetAsync(record, 0, sizeof(FaultRecord), stream_));
  device_.store(record, std::memory_order_release);
  return record;
}

bool Faults::synchronize(const char* what) {
  FaultRecord* const device = device_.load(std::memory_order_acquire);
  if (device == nullptr) return false;
  const std::lock_guard lock(mutex_);
  check(cudaMemcpyAsync(host_, device, sizeof(FaultRecord), cudaMemcpyDeviceToHost, stream_), what);
  check(cudaStreamSynchronize(stream_), what);
  const FaultRecord found = *host_;
  const auto fault = static_cast<Fault>(found.code);
  if (fault == Fault::none) return true;
  METRON_CUDA(cudaMemsetAsync(device, 0, sizeof(FaultRecord), stream_));
  const char* const op = fault == Fault::nll_loss_target        ? "nll_loss"
                         : fault == Fault::cross_entropy_target ? "cross_entropy"
                                                                : "embedding";
  fail<ValueError>(op, fault == Fault::embedding_index ? "an index" : "a target", " must be in [0, ",
                   found.limit, "), got ", found.value);
}

// Reuses a buffer whose copy has completed, or allocates one. Waits only if all staging_buffers are in
// flight.
const Staging::Buffer& Staging::acquire() {
  const cudaError_t status = buffers_.empty() ? cudaErrorNotReady : cudaEventQuery(buffers_.front().used);
  if (status == cudaErrorNotReady) {
    static_cast<void>(cudaGetLastError());  // not an error; must not be reported by the next check
  } else {
    METRON_CUDA(status);
  }
  if (status == cudaSuccess || buffers_.size() == staging_buffers) {
    if (status != cudaSuccess) METRON_CUDA(cudaEventSynchronize(buffers_.front().used));
    buffers_.push_back(buffers_.front());
    buffers_.pop_front();
    return buffers_.back();
  }
  Buffer buffer{};
  METRON_CUDA(cudaEventCreateWithFlags(&buffer.used, cudaEventDisableTiming));
  METRON_CUDA(cudaMallocHost(reinterpret_cast<void**>(&buffer.data), staging_bytes));
  return buffers_.emplace_back(buffer);
}

void Staging::upload(void* destination, const void* source, std::size_t bytes, cudaStream_t stream) {
  const std::lock_guard lock(mutex_);
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t length = std::min(bytes - done, staging_bytes);
    const Buffer& buffer = acquire();
    std::memcpy(buffer.data, static_cast<const std::byte*>(source) + done, length);
    METRON_CUDA(cudaMemcpyAsync(static_cast<std::byte*>(destination) + done, buffer.data, length,
                                cudaMemcpyHostToDevice, stream));
    METRON_CUDA(cudaEventRecord(buffer.used, stream));
    done += length;
  }
}

DeviceState::DeviceState(int index) : stream(make_stream(index)), faults(index, stream) {
  METRON_CUDA(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, index));
  allocator =
      std::make_unique<CachingAllocator>(std::make_unique<DeviceMemory>(index, stream), cache_limit(index));
}

namespace {

struct Entry {
  std::once_flag once;
  std::unique_ptr<DeviceState> state;
  std::atomic<bool> in_use{false};
};

Entry& entry_of(int index) {
  static auto& entries = *new std::vector<Entry>(static_cast<std::size_t>(device_count()));
  return entries.at(static_cast<std::size_t>(index));
}

}  // namespace

DeviceState& state(int index) {
  Entry& entry = entry_of(index);
  std::call_once(entry.once, [&] {
    entry.state = std::make_unique<DeviceState>(index);
    entry.in_use = true;
  });
  return *entry.state;
}

bool is_in_use(int index) { return entry_of(index).in_use; }

}  // namespace metron::cuda
