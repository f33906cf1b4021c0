// Fake of cuDNN: handles and descriptors.
#include <metron/kernels/fakes/cudnn_fake.h>

using namespace metron::fakes;

namespace {

auto& handles() { return objects<cudnnHandle_t, Bound>("cudnnHandle_t"); }
auto& tensors() { return objects<cudnnTensorDescriptor_t, Image>("cudnnTensorDescriptor_t"); }
auto& filters() { return objects<cudnnFilterDescriptor_t, Image>("cudnnFilterDescriptor_t"); }
auto& convolutions() {
  return objects<cudnnConvolutionDescriptor_t, metron::fakes::Convolution>("cudnnConvolutionDescriptor_t");
}
auto& activations() {
  return objects<cudnnActivationDescriptor_t, metron::fakes::Activation>("cudnnActivationDescriptor_t");
}
auto& poolings() { return objects<cudnnPoolingDescriptor_t, Pooling>("cudnnPoolingDescriptor_t"); }

template <typename Handle, typename Object>
cudnnStatus_t created(const char* function, Objects<Handle, Object>& registry, Handle* handle,
                      Object object = {}) {
  return metron::fakes::created(function, registry, handle, object, CUDNN_STATUS_BAD_PARAM, cudnn_status_of);
}
template <typename Handle, typename Object>
cudnnStatus_t destroyed(const char* function, Objects<Handle, Object>& registry, Handle handle) {
  return metron::fakes::destroyed(function, registry, handle, CUDNN_STATUS_BAD_PARAM);
}

template <typename Registry, typename Handle>
auto& set_object(Registry& registry, Handle handle, const char* what) {
  auto& found = require_alive(registry, handle, what);
  require(found.is_set, what, " was created but never set");
  return found;
}

void set_image(Image& image, cudnnDataType_t type, cudnnTensorFormat_t format,
               const std::array<std::int64_t, 4>& sizes) {
  for (const std::int64_t size : sizes)
    require(size > 0, "a descriptor's sizes must be positive, got ", size);
  image = {true, type, format, sizes};
}

}  // namespace

namespace metron::fakes {

cudnnStatus_t cudnn_status_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::not_supported:
      return CUDNN_STATUS_NOT_SUPPORTED;
    case Refusal::allocation_failed:
      return CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
    case Refusal::execution_failed:
      return CUDNN_STATUS_EXECUTION_FAILED;
  }
  return CUDNN_STATUS_EXECUTION_FAILED;
}

cudaStream_t stream_of(cudnnHandle_t handle) {
  const Bound& bound = require_alive(handles(), handle, "the handle");
  require_bound(bound);
  return *bound.stream;
}
Image& image_of(cudnnTensorDescriptor_t desc, const char* what) { return set_object(tensors(), desc, what); }
Image& filter_of(cudnnFilterDescriptor_t desc, const char* what) { return set_object(filters(), desc, what); }
Convolution& convolution_of(cudnnConvolutionDescriptor_t desc) {
  return set_object(convolutions(), desc, "the convolution's descriptor");
}
Activation& activation_of(cudnnActivationDescriptor_t desc) {
  return set_object(activations(), desc, "the activation's descriptor");
}
Pooling& pooling_of(cudnnPoolingDescriptor_t desc) {
  return set_object(poolings(), desc, "the pooling's descriptor");
}

}  // namespace metron::fakes

extern "C" {

size_t cudnnGetVersion(void) { return 91900; }

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  return created("cudnnCreate", handles(), handle, {current_device(), std::nullopt});
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return destroyed("cudnnDestroy", handles(), handle); }
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  return cudnn_answered("cudnnSetStream", [&] {
    require_alive(handles(), handle, "the handle").stream = stream;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* desc) {
  return created("cudnnCreateTensorDescriptor", tensors(), desc);
}
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t desc, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
  return cudnn_answered("cudnnSetTensor4dDescriptor", [&] {
    set_image(require_alive(tensors(), desc, "the descriptor"), type, format, {n, c, h, w});
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t desc) {
  return destroyed("cudnnDestroyTensorDescriptor", tensors(), desc);
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* desc) {
  return created("cudnnCreateFilterDescriptor", filters(), desc);
}
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t desc, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  return cudnn_answered("cudnnSetFilter4dDescriptor", [&] {
    set_image(require_alive(filters(), desc, "the descriptor"), type, format, {k, c, h, w});
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t desc) {
  return destroyed("cudnnDestroyFilterDescriptor", filters(), desc);
}

cudnnStatus_t cudnnCreateActivationDescriptor(cudnnActivationDescriptor_t* desc) {
  return created("cudnnCreateActivationDescriptor", activations(), desc);
}
cudnnStatus_t cudnnSetActivationDescriptor(cudnnActivationDescriptor_t desc, cudnnActivationMode_t mode,
                                           cudnnNanPropagation_t nan, double) {
  return cudnn_answered("cudnnSetActivationDescriptor", [&] {
    require_alive(activations(), desc, "the descriptor") = {true, mode, nan};
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnDestroyActivationDescriptor(cudnnActivationDescriptor_t desc) {
  return destroyed("cudnnDestroyActivationDescriptor", activations(), desc);
}

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* desc) {
  return created("cudnnCreateConvolutionDescriptor", convolutions(), desc);
}
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t desc, int pad_h, int pad_w,
                                              int stride_h, int stride_w, int dilation_h, int dilation_w,
                                              cudnnConvolutionMode_t mode, cudnnDataType_t compute) {
  return cudnn_answered("cudnnSetConvolution2dDescriptor", [&] {
    auto& c = require_alive(convolutions(), desc, "the descriptor");
    require(pad_h >= 0 && pad_w >= 0, "paddings must not be negative");
    require(stride_h > 0 && stride_w > 0 && dilation_h > 0 && dilation_w > 0,
            "strides and dilations must be positive");
    require(mode == CUDNN_CROSS_CORRELATION, "the mode must be CUDNN_CROSS_CORRELATION");
    c = {true, pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w, 1, compute, CUDNN_DEFAULT_MATH};
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t desc, cudnnMathType_t math) {
  return cudnn_answered("cudnnSetConvolutionMathType", [&] {
    convolution_of(desc).math = math;
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t desc, int groups) {
  return cudnn_answered("cudnnSetConvolutionGroupCount", [&] {
    require(groups > 0, "the number of groups must be positive");
    convolution_of(desc).groups = groups;
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t desc) {
  return destroyed("cudnnDestroyConvolutionDescriptor", convolutions(), desc);
}

cudnnStatus_t cudnnCreatePoolingDescriptor(cudnnPoolingDescriptor_t* desc) {
  return created("cudnnCreatePoolingDescriptor", poolings(), desc);
}
cudnnStatus_t cudnnSetPooling2dDescriptor(cudnnPoolingDescriptor_t desc, cudnnPoolingMode_t mode,
                                          cudnnNanPropagation_t nan, int window_h, int window_w, int pad_h,
                                          int pad_w, int stride_h, int stride_w) {
  return cudnn_answered("cudnnSetPooling2dDescriptor", [&] {
    Pooling& p = require_alive(poolings(), desc, "the descriptor");
    require(window_h > 0 && window_w > 0 && stride_h > 0 && stride_w > 0,
            "windows and strides must be positive");
    require(pad_h >= 0 && pad_w >= 0 && pad_h < window_h && pad_w < window_w,
            "the padding must be smaller than the window");
    p = {true, mode, nan, window_h, window_w, pad_h, pad_w, stride_h, stride_w};
    return CUDNN_STATUS_SUCCESS;
  });
}
cudnnStatus_t cudnnDestroyPoolingDescriptor(cudnnPoolingDescriptor_t desc) {
  return destroyed("cudnnDestroyPoolingDescriptor", poolings(), desc);
}

cudnnStatus_t cudnnDeriveBNTensorDescriptor(cudnnTensorDescriptor_t derived, cudnnTensorDescriptor_t x,
                                            cudnnBatchNormMode_t mode) {
  return cudnn_answered("cudnnDeriveBNTensorDescriptor", [&] {
    require(mode == CUDNN_BATCHNORM_SPATIAL, "the mode must be CUDNN_BATCHNORM_SPATIAL");
    const Image& image = image_of(x, "x's descriptor");
    const auto type = image.type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
    set_image(require_alive(tensors(), derived, "the descriptor"), type, CUDNN_TENSOR_NCHW,
              {1, image.sizes[1], 1, 1});
    return CUDNN_STATUS_SUCCESS;
  });
}

}  // extern "C"
