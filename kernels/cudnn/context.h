// What all families of cuDNN's operations share: a thread's handle, descriptors that are destroyed with their
// owner, and refusals.
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

// Null where the library is missing or gives no handle; it is asked again at the next call then.
Context* context(Device device);

// What a provider's function throws where the library refuses, and catches: it declines then.
struct Refused {
  cudnnStatus_t status;
  bool is_final() const;  // the library has no way to compute this, however often it is asked
};
inline void must(cudnnStatus_t status) {
  if (status != CUDNN_STATUS_SUCCESS) [[unlikely]]
    throw Refused{status};
}

// Runs body(context) with the device current. False where the library is missing or refuses, and where there
// is no memory for its workspace.
bool attempt(Device device, bool (*body)(Context&, void*), void* argument);
template <typename Body>
bool attempt(Device device, const Body& body) {
  return attempt(
      device, [](Context& c, void* argument) { return (*static_cast<const Body*>(argument))(c); },
      const_cast<Body*>(&body));
}

// A descriptor of cuDNN, destroyed by the library's own function for its kind.
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

// Of a dense tensor (n, c, h, w).
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
// Whether cuDNN may be asked at all: defined operands of one floating dtype with at least one and fewer than
// 2^31 elements.
bool supports(std::initializer_list<const Tensor*> operands);
// The format in which an image is dense; nothing else is asked of cuDNN. One that is dense in both, as with a
// single channel, takes the format of `beside`.
bool format_of(const Tensor& image, const Tensor& beside, cudnnTensorFormat_t& format);

// 1 and 0 in the type that scaling factors have beside operands of this dtype.
const void* one(DType dtype);
const void* zero(DType dtype);

}  // namespace metron::cudnn
