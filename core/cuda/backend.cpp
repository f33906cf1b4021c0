// The CUDA implementation of Backend.
#include <metron/core/allocator.h>
#include <metron/core/cuda/clock.h>
#include <metron/core/cuda/state.h>
#include <metron/core/storage.h>
#include <metron/core/timer/clock.h>

namespace metron {
namespace {

class CudaBackend : public Backend {
 public:
  explicit CudaBackend(int count) : count_(count) {}
  CachingAllocator& allocator(int index) override { return *cuda::state(index).allocator; }
  void copy_from_host(int index, void* destination, const void* source, std::size_t bytes) override {
    cuda::DeviceState& device = cuda::state(index);
    const cuda::DeviceGuard guard(index);
    device.staging.upload(destination, source, bytes, device.stream);
  }
  void copy_to_host(int index, void* destination, const void* source, std::size_t bytes) override {
    const cuda::DeviceGuard guard(index);
    METRON_CUDA(cudaMemcpyAsync(destination, source, bytes, cudaMemcpyDeviceToHost, cuda::stream(index)));
    cuda::synchronize(index);
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
  // Emulated times are not device times.
  if (!cuda::is_emulated()) install_device_clock(Device::Type::cuda, cuda::make_clock());
  return std::make_unique<CudaBackend>(count);
}

}  // namespace metron
