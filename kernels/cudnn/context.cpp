#include <metron/core/cuda/runtime.h>
#include <metron/core/error.h>
#include <metron/kernels/cudnn/context.h>

#include <limits>
#include <map>
#include <memory>

namespace metron::cudnn {

Context::~Context() {
  if (handle_ != nullptr) functions_->destroy(handle_);
}

Context* context(Device device) {
  const Functions* const library = functions();
  if (library == nullptr) return nullptr;
  thread_local std::map<int, std::unique_ptr<Context>> of_this_thread;  // by device
  auto& found = of_this_thread[device.index()];
  if (found == nullptr) {
    std::unique_ptr<Context> made(new Context(*library));
    if (library->create(&made->handle_) != CUDNN_STATUS_SUCCESS) return nullptr;
    found = std::move(made);
  }
  const cudaStream_t stream = cuda::stream(device.index());
  if (found->stream_ != stream) {
    if (library->set_stream(found->handle_, stream) != CUDNN_STATUS_SUCCESS) return nullptr;
    found->stream_ = stream;
  }
  return found.get();
}

// Statuses are grouped by thousands: 3000 is unsupported, 2000 is an invalid call.
bool Refused::is_final() const { return status / 1000 == 2 || status / 1000 == 3; }

bool attempt(Device device, bool (*body)(Context&, void*), void* argument) {
  const cuda::DeviceGuard guard(device.index());
  Context* const library = context(device);
  if (library == nullptr) return false;
  try {
    return body(*library, argument);
  } catch (const Refused&) {
    return false;
  } catch (const OutOfMemoryError&) {
    return false;
  }
}

TensorDescriptor::TensorDescriptor(const Functions& call, DType dtype,
                                   std::initializer_list<std::int64_t> sizes, cudnnTensorFormat_t format)
    : TensorDescriptor(call) {
  set(dtype, sizes, format);
}

void TensorDescriptor::set(DType dtype, std::initializer_list<std::int64_t> sizes,
                           cudnnTensorFormat_t format) {
  const auto size = [&](int i) { return static_cast<int>(sizes.begin()[i]); };
  must(call_.tensor_set(get(), format, type_of(dtype), size(0), size(1), size(2), size(3)));
}

cudnnDataType_t type_of(DType dtype) {
  switch (dtype) {
    case DType::float64:
      return CUDNN_DATA_DOUBLE;
    case DType::float16:
      return CUDNN_DATA_HALF;
    case DType::bfloat16:
      return CUDNN_DATA_BFLOAT16;
    default:
      return CUDNN_DATA_FLOAT;
  }
}

bool supports(std::initializer_list<const Tensor*> operands) {
  const Tensor* first = nullptr;
  for (const Tensor* operand : operands) {
    if (!operand->defined()) continue;
    if (first == nullptr) first = operand;
    if (!is_floating(operand->dtype()) || operand->dtype() != first->dtype() || operand->numel() == 0 ||
        operand->numel() > std::numeric_limits<int>::max())
      return false;
  }
  return first != nullptr;
}

bool format_of(const Tensor& image, const Tensor& other, cudnnTensorFormat_t& format) {
  const bool plain = image.is_contiguous(), last = image.is_channels_last();
  format = last && (!plain || !other.is_contiguous()) ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW;
  return plain || last;
}

const void* one(DType dtype) {
  static const float single = 1;
  static const double wide = 1;
  return dtype == DType::float64 ? static_cast<const void*>(&wide) : &single;
}
const void* zero(DType dtype) {
  static const float single = 0;
  static const double wide = 0;
  return dtype == DType::float64 ? static_cast<const void*>(&wide) : &single;
}

}  // namespace metron::cudnn
