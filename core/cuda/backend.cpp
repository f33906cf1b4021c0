// The CUDA implementation of Backend.
#include <metron/core/allocator.h>
#include <metron/core/cuda/clock.h>
#include <metron/core/cuda/state.h>
#include <metron/core/storage.h>
#include <metron/core/timer/clock.h>
#include <metron/core/timer/scopes.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace metron {
namespace {

// Times a copy as a record of its own, with the device's time, if a profiler runs.
class CopyTimer {
 public:
  CopyTimer(const char* name, int index, std::size_t bytes) : bytes_(bytes) {
    if ((instruments() & instrument_timer) != 0) [[unlikely]]
      timer_.emplace(name, Device(Device::Type::cuda, index), RecordKind::copy);
  }
  bool is_on() const { return timer_.has_value(); }
  void finish() {
    if (!timer_) return;
    timer_->stop();
    Signature signature;
    signature.add({static_cast<std::int64_t>(bytes_)}, DType::uint8);
    timer_->finish("cuda", signature, static_cast<double>(bytes_), 0);
  }

 private:
  std::size_t bytes_;
  std::optional<KernelTimer> timer_;
};

class CudaBackend : public Backend {
 public:
  explicit CudaBackend(int count) : count_(count) {}
  CachingAllocator& allocator(int index) override { return *cuda::state(index).allocator; }
  void copy_from_host(int index, void* destination, const void* source, std::size_t bytes) override {
    cuda::DeviceState& device = cuda::state(index);
    const cuda::DeviceGuard guard(index);
    CopyTimer timer("copy_to_device", index, bytes);
    device.uploads.upload(destination, source, bytes, timer.is_on());
    timer.finish();
  }
  void copy_to_host(int index, void* destination, const void* source, std::size_t bytes) override {
    const cuda::DeviceGuard guard(index);
    cuda::DeviceState& device = cuda::state(index);
    const WaitScope waiting(Device(Device::Type::cuda, index));
    const auto lock = device.downloads.lock();
    for (std::size_t done = 0; done < bytes;) {
      const std::size_t length = std::min(bytes - done, cuda::Downloads::max_bytes);
      CopyTimer timer("copy_to_host", index, length);
      device.downloads.enqueue(static_cast<const std::byte*>(source) + done, length, device.stream);
      timer.finish();
      done + length < bytes ? METRON_CUDA(cudaStreamSynchronize(device.stream)) : cuda::synchronize(index);
      std::memcpy(static_cast<std::byte*>(destination) + done, device.downloads.data(), length);
      done += length;
    }
  }
  void synchronize(int index) override { cuda::synchronize(index); }
  int device_count() const override { return count_; }
  bool is_emulated() const override { return cuda::is_emulated(); }

 private:
  int count_;
};

}  // namespace

std::unique_ptr<Backend> make_cuda_backend(std::string& why_not) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    static_cast<void>(cudaGetLastError());
    why_not = std::string("the CUDA runtime found no device: ") +
              (status == cudaSuccess ? "the driver reports none" : cudaGetErrorString(status)) +
              " (nvidia-smi shows what the driver sees)";
    return nullptr;
  }
  if (std::string clock = cuda::set_up_clock(); !clock.empty())
    install_device_clock(Device::Type::cuda, cuda::make_clock(std::move(clock)));
  return std::make_unique<CudaBackend>(count);
}

}  // namespace metron
