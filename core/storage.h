// Storage: one block of device memory, shared by its views. Backend: the interface of a device type.
#pragma once

#include <metron/core/device.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace metron {

class CachingAllocator;  // core/allocator.h
struct MemoryStats;

// Memory and copies of a device type.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual CachingAllocator& allocator(int index) = 0;
  virtual void copy_from_host(int index, void* destination, const void* source, std::size_t bytes) = 0;
  virtual void copy_to_host(int index, void* destination, const void* source, std::size_t bytes) = 0;
  virtual void synchronize(int index) = 0;
  virtual int device_count() const { return 1; }
  virtual bool is_emulated() const { return false; }  // runs on the CPU: its timings are meaningless
};

// DeviceError, with the reason, if this build or machine does not have the device.
Backend& backend(Device device);
void install_backend(Device::Type type, std::unique_ptr<Backend> backend);
bool has_device(Device device);
// The first GPU, else the CPU. Never the emulator, which only verifies kernels.
Device default_device();

// Null, with the reason, if this build or machine has no CUDA device. Defined in core/cuda/ or
// core/without_cuda.cpp.
std::unique_ptr<Backend> make_cuda_backend(std::string& why_not);

MemoryStats memory_stats(Device device);

class Storage {
 public:
  Storage(std::size_t bytes, Device device);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  Device device() const { return device_; }

  // Counts in-place modifications. A tensor saved for backward detects a later one by it.
  std::uint64_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void* data_ = nullptr;
  std::size_t bytes_;
  Device device_;
  CachingAllocator* allocator_;
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace metron
