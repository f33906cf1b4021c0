// Per-thread cuBLAS handles for a device, on the device's stream, with a workspace from our allocator.
#pragma once

#include <metron/core/tensor.h>
#include <metron/kernels/cublas/functions.h>

#include <memory>

namespace metron::cublas {

class Context {
 public:
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const Functions& call() const { return *functions_; }
  cublasHandle_t handle() const { return handle_; }
  cublasLtHandle_t lt_handle() const { return lt_handle_; }
  cudaStream_t stream() const { return stream_; }
  void* workspace() const { return workspace_address_; }
  std::size_t workspace_bytes() const { return workspace_.bytes(); }

 private:
  friend Context* context(Device device);
  Context(const Functions& functions, Device device);
  bool open();  // false if the library refuses

  const Functions* functions_;
  cudaStream_t stream_;
  Tensor workspace_;
  void* workspace_address_;
  cublasHandle_t handle_ = nullptr;
  cublasLtHandle_t lt_handle_ = nullptr;
};

// Null if the library is missing, or fails to create a handle or its workspace, which is retried at the next
// call.
Context* context(Device device);

}  // namespace metron::cublas
