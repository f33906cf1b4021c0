// Shared by all cuDNN operations: per-thread handles, RAII descriptors, and errors.
#pragma once

#include <metron/core/tensor.h>
#include <metron/kernels/cudnn/functions.h>

#include <initializer_list>

namespace metron::cudnn {

// A thread's handle for a device, on the device's stream.
class Context {
 public:
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const Functions& call() const { return *functions_; }
  cudnnHandle_t handle() const { return handle_; }

 private:
  friend Context* context(Device device);
  explicit Context(const Functions& functions) : functions_(&functions) {}

  const Functions* functions_;
  cudnnHandle_t handle_ = nullptr;
  cudaStream_t stream_ = nullptr;
};

// Null if the library is missing or fails to create a handle, which is retried at the next call.
Context* context(Device device);

// Thrown and caught within a provider's function if the library refuses; the provider then declines.
struct Refused {
  cudnnStatus_t status;
  bool is_final() const;  // the computation is unsupported, not a transient failure
};
inline void must(cudnnStatus_t status) {
  if (status != CUDNN_STATUS_SUCCESS) [[unlikely]]
    throw Refused{status};
}

// Runs body(context) on the current device. Returns false if the library is missing or refuses, or its
// workspace can't be allocated.
bool attempt(Device device, bool (*body)(Context&, void*), void* argument);
template <typename Body>
bool attempt(Device device, const Body& body) {
  return attempt(
      device, [](Context& c, void* argument) { return (*static_cast<const Body*>(argument))(c); },
      const_cast<Body*>(&body));
}

// RAII for cuDNN descriptors, destroyed by the library's function for their kind.
template <typename Handle>
class Descriptor {
 public:
  Descriptor(cudnnStatus_t (*create)(Handle*), cudnnStatus_t (*destroy)(Handle)) : destroy_(destroy) {
    must(create(&handle_));
  }
  ~Descriptor() { destroy_(handle_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Handle get() const { return handle_; }

 private:
  cudnnStatus_t (*destroy_)(Handle);
  Handle handle_ = nullptr;
};

// For a dense tensor (n, c, h, w).
class TensorDescriptor : public Descriptor<cudnnTensorDescriptor_t> {
 public:
  explicit TensorDescriptor(const Functions& call)
      : Descriptor(call.tensor_create, call.tensor_destroy), call_(call) {}
  TensorDescriptor(const Functions& call, DType dtype, std::initializer_list<std::int64_t> sizes,
                   cudnnTensorFormat_t format = CUDNN_TENSOR_NCHW);
  void set(DType dtype, std::initializer_list<std::int64_t> sizes, cudnnTensorFormat_t format);

 private:
  const Functions& call_;
};

cudnnDataType_t type_of(DType dtype);
// Whether cuDNN is applicable at all: defined operands of one floating dtype, with between 1 and 2^31 - 1
// elements.
bool supports(std::initializer_list<const Tensor*> operands);
// The format in which an image is dense; cuDNN is used for no other. If it is dense in both, as with one
// channel, the format of `other`.
bool format_of(const Tensor& image, const Tensor& other, cudnnTensorFormat_t& format);

// 1 and 0 in the type of scaling factors for operands of this dtype.
const void* one(DType dtype);
const void* zero(DType dtype);

}  // namespace metron::cudnn
