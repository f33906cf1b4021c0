#include <metron/core/allocator.h>
#include <metron/core/error.h>
#include <metron/core/storage.h>
#include <metron/core/timer/instruments.h>
#include <metron/core/timer/internal/recorder.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace metron {
namespace {

class HostMemory : public MemorySource {
 public:
  void* allocate(std::size_t bytes) override { return std::aligned_alloc(memory_alignment, bytes); }
  void release(void* block, std::size_t) override { std::free(block); }
};

// Holds the activations of a large batch, yet is small compared with the memory of a training machine.
constexpr std::size_t default_cache_limit = std::size_t{1} << 30;

class CpuBackend : public Backend {
 public:
  CachingAllocator& allocator(int) override { return allocator_; }
  void copy_from_host(int, void* destination, const void* source, std::size_t bytes) override {
    std::memcpy(destination, source, bytes);
  }
  void copy_to_host(int, void* destination, const void* source, std::size_t bytes) override {
    std::memcpy(destination, source, bytes);
  }
  void synchronize(int) override {}

 private:
  CachingAllocator allocator_{std::make_unique<HostMemory>(), default_cache_limit};
};

struct Backends {
  std::array<std::unique_ptr<Backend>, Device::type_count> list;
  std::string why_no_cuda;
};

// Never destroyed: tensors with static lifetime may outlive it.
Backends& backends() {
  static Backends& known = *[] {
    auto created = std::make_unique<Backends>();
    created->list[0] = std::make_unique<CpuBackend>();
    created->list[1] = make_cuda_backend(created->why_no_cuda);
    return created.release();
  }();
  return known;
}

std::unique_ptr<Backend>& slot_of(Device::Type type) {
  return backends().list[static_cast<std::size_t>(type)];
}

// Records the allocated size of the block, and the allocator's total.
void report(Device device, const CachingAllocator& allocator, std::size_t bytes, int sign) {
  const auto delta = static_cast<std::int64_t>(CachingAllocator::size_class(bytes));
  detail::record_memory(device, sign * delta, static_cast<std::int64_t>(allocator.stats().allocated));
}

}  // namespace

Backend& backend(Device device) {
  const auto& found = slot_of(device.type());
  check<DeviceError>(found != nullptr, "device", "there is no ", device, " here: ", backends().why_no_cuda,
                     "; use the device cpu");
  check<DeviceError>(device.index() < found->device_count(), "device", "there is no ", device,
                     " here: the machine has ", found->device_count());
  return *found;
}

void install_backend(Device::Type type, std::unique_ptr<Backend> backend) {
  slot_of(type) = std::move(backend);
}

bool has_device(Device device) {
  const auto& found = slot_of(device.type());
  return found != nullptr && device.index() < found->device_count();
}

Device default_device() {
  const Device cuda(Device::Type::cuda);
  return has_device(cuda) && !backend(cuda).is_emulated() ? cuda : Device();
}

MemoryStats memory_stats(Device device) { return backend(device).allocator(device.index()).stats(); }

Storage::Storage(std::size_t bytes, Device device)
    : bytes_(bytes), device_(device), allocator_(&backend(device).allocator(device.index())) {
  if (bytes == 0) return;
  data_ = allocator_->allocate(bytes);
  if ((instruments() & instrument_timer) != 0) [[unlikely]]
    report(device, *allocator_, bytes, 1);
}

Storage::~Storage() {
  if (data_ == nullptr) return;
  allocator_->release(data_, bytes_);
  if ((instruments() & instrument_timer) != 0) [[unlikely]]
    report(device_, *allocator_, bytes_, -1);
}

}  // namespace metron
