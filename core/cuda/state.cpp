#include <metron/core/cuda/state.h>
#include <metron/core/device.h>
#include <metron/core/storage.h>
#include <metron/core/timer/scopes.h>

#include <string>
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
  // Freed blocks are memory again once the stream has reached them, and others' once the pool lets them go.
  void reclaim() override {
    const DeviceGuard guard(index_);
    const WaitScope waiting(Device(Device::Type::cuda, index_));
    METRON_CUDA(cudaStreamSynchronize(stream_));
    cudaMemPool_t pool = nullptr;
    METRON_CUDA(cudaDeviceGetDefaultMemPool(&pool, index_));
    METRON_CUDA(cudaMemPoolTrimTo(pool, 0));
  }
  std::string name() const override { return Device(Device::Type::cuda, index_).name(); }
  std::string statistics() const override {
    const DeviceGuard guard(index_);
    std::size_t free = 0, total = 0;
    if (cudaMemGetInfo(&free, &total) != cudaSuccess) return "";
    return std::to_string(free) + " of " + std::to_string(total) + " bytes of the device are free";
  }
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

}  // namespace

FaultRecord* Faults::record() {
  if (FaultRecord* record = device_.load(std::memory_order_acquire); record != nullptr) return record;
  const std::lock_guard lock(mutex_);
  if (FaultRecord* record = device_.load(std::memory_order_relaxed); record != nullptr) return record;
  const DeviceGuard guard(index_);
  if (host_ == nullptr) host_ = static_cast<FaultRecord*>(allocate_pinned(index_, sizeof(FaultRecord)));
  auto* const record = static_cast<FaultRecord*>(allocate_device(index_, sizeof(FaultRecord)));
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
  const bool is_target = fault == Fault::nll_loss_target || fault == Fault::cross_entropy_target;
  const char* const op = fault == Fault::nll_loss_target        ? "nll_loss"
                         : fault == Fault::cross_entropy_target ? "cross_entropy"
                         : fault == Fault::embedding_index      ? "embedding"
                                                                : "decode_rows";
  fail<ValueError>(op, is_target ? "a target" : "an index", " must be in [0, ", found.limit, "), got ",
                   found.value);
}

namespace {

// `call` allocates with the driver.
template <typename Call>
void* allocate_or_reclaim(int index, const char* what, std::size_t bytes, const Call& call) {
  const DeviceGuard guard(index);
  void* block = nullptr;
  cudaError_t status = call(&block);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    state(index).allocator->reclaim();
    backend(Device()).allocator(0).reclaim();
    status = call(&block);
  }
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    fail<OutOfMemoryError>("allocate", "no ", what, " for ", bytes, " bytes on ",
                           Device(Device::Type::cuda, index), "; ", state(index).allocator->statistics());
  }
  check(status, what);
  return block;
}

}  // namespace

void* allocate_device(int index, std::size_t bytes) {
  return allocate_or_reclaim(index, "device memory", bytes,
                             [&](void** block) { return cudaMalloc(block, bytes); });
}

void* allocate_pinned(int index, std::size_t bytes) {
  return allocate_or_reclaim(index, "pinned host memory", bytes,
                             [&](void** block) { return cudaMallocHost(block, bytes); });
}

DeviceState::DeviceState(int index)
    : stream(make_stream(index)), faults(index, stream), uploads(index, stream), downloads(index) {
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
