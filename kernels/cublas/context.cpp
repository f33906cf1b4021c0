#include <metron/core/allocator.h>
#include <metron/core/cuda/runtime.h>
#include <metron/kernels/cublas/context.h>

#include <cstdint>
#include <map>
#include <memory>

namespace metron::cublas {
namespace {

// NVIDIA's recommendation for Hopper, the largest of all architectures.
constexpr std::int64_t recommended_workspace = std::int64_t{32} << 20;

}  // namespace

Context::Context(const Functions& functions, Device device)
    : functions_(&functions),
      stream_(cuda::stream(device.index())),
      workspace_(Tensor::empty({recommended_workspace}, {DType::uint8, device, MemoryFormat::contiguous})),
      workspace_address_(workspace_.raw_mutable_data()) {}

Context::~Context() {
  if (lt_handle_ != nullptr) functions_->lt_destroy(lt_handle_);
  if (handle_ != nullptr) functions_->destroy(handle_);
}

bool Context::open() {
  return functions_->create(&handle_) == CUBLAS_STATUS_SUCCESS &&
         functions_->set_stream(handle_, stream_) == CUBLAS_STATUS_SUCCESS &&
         // After the stream, since setting it resets the workspace.
         functions_->set_workspace(handle_, workspace_address_, workspace_.bytes()) ==
             CUBLAS_STATUS_SUCCESS &&
         // Default math, but split-K sums of 16-bit products are reduced in float32.
         functions_->set_math_mode(handle_, CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION) ==
             CUBLAS_STATUS_SUCCESS &&
         functions_->lt_create(&lt_handle_) == CUBLAS_STATUS_SUCCESS;
}

Context* context(Device device) {
  const Functions* const library = functions();
  if (library == nullptr) return nullptr;
  struct Entry {
    std::unique_ptr<Context> context;
    std::size_t full_at = SIZE_MAX;  // bytes reserved when there was no memory for the workspace
  };
  thread_local std::map<int, Entry> of_this_thread;  // by device
  Entry& found = of_this_thread[device.index()];
  if (found.context == nullptr) {
    const CachingAllocator& allocator = backend(device).allocator(device.index());
    // Each try empties the cache: not again before memory has been given back.
    if (found.full_at != SIZE_MAX && allocator.stats().reserved >= found.full_at) return nullptr;
    const cuda::DeviceGuard guard(device.index());
    try {
      std::unique_ptr<Context> made(new Context(*library, device));
      if (made->open()) found.context = std::move(made);
    } catch (const OutOfMemoryError&) {  // our own kernels need less
      found.full_at = allocator.stats().reserved;
    }
  }
  return found.context.get();
}

}  // namespace metron::cublas
