// Shared by the fakes of cuDNN's functions: handles, descriptors, and conversion of images to dense doubles.
#pragma once

#include <cudnn.h>
#include <metron/kernels/fakes/fake.h>
#include <metron/kernels/fakes/numbers.h>

#include <array>
#include <cstdint>
#include <vector>

namespace metron::fakes {

cudnnStatus_t cudnn_status_of(Refusal refusal);
template <typename Body>
cudnnStatus_t cudnn_answered(const char* function, const Body& body) {
  return answer(function, body, CUDNN_STATUS_BAD_PARAM, cudnn_status_of);
}

// A tensor or filter, dense in its format. Sizes are in the order n, c, h, w in either format.
struct Image {
  bool is_set = false;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  cudnnTensorFormat_t format = CUDNN_TENSOR_NCHW;
  std::array<std::int64_t, 4> sizes{};

  std::int64_t numel() const { return sizes[0] * sizes[1] * sizes[2] * sizes[3]; }
  std::size_t bytes() const;
  bool has_shape_of(const Image& other) const { return sizes == other.sizes && type == other.type; }
  // The offset of element (n, c, h, w), given by its row-major index.
  std::int64_t offset_of(std::int64_t index) const;
};
struct Convolution {
  bool is_set = false;
  int pad_h = 0, pad_w = 0, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1, groups = 1;
  cudnnDataType_t compute = CUDNN_DATA_FLOAT;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};
struct Activation {
  bool is_set = false;
  cudnnActivationMode_t mode = CUDNN_ACTIVATION_RELU;
  cudnnNanPropagation_t nan = CUDNN_NOT_PROPAGATE_NAN;
};
struct Pooling {
  bool is_set = false;
  cudnnPoolingMode_t mode = CUDNN_POOLING_MAX;
  cudnnNanPropagation_t nan = CUDNN_NOT_PROPAGATE_NAN;
  int window_h = 0, window_w = 0, pad_h = 0, pad_w = 0, stride_h = 0, stride_w = 0;
};

// Violations unless the handle is bound to a stream of the current device and the descriptor is live and set.
cudaStream_t stream_of(cudnnHandle_t handle);
Image& image_of(cudnnTensorDescriptor_t desc, const char* what);
Image& filter_of(cudnnFilterDescriptor_t desc, const char* what);
Convolution& convolution_of(cudnnConvolutionDescriptor_t desc);
Activation& activation_of(cudnnActivationDescriptor_t desc);
Pooling& pooling_of(cudnnPoolingDescriptor_t desc);

// alpha and beta: double for images of doubles, otherwise float.
struct Blend {
  double alpha, beta;
};
inline constexpr Blend overwrite{1, 0};
Blend blend_of(const void* alpha, const void* beta, cudnnDataType_t type);

LibraryOperand operand_of(const char* name, const Image& image, const void* data, bool read, bool written);
// With beta 0 the old contents are not read.
LibraryOperand result_of(const char* name, const Image& image, void* data, const Blend& blend);
// Checks that outputs do not alias inputs, and enqueues the work. Empty operands are skipped.
void submit(cudaStream_t stream, const char* function, const std::vector<LibraryOperand>& reads,
            const std::vector<LibraryOperand>& results, std::function<void()> work);

// In row-major order (n, c, h, w) for any type and format.
std::vector<double> read(const Image& image, const void* data);
void write(const Image& image, void* data, const std::vector<double>& values, const Blend& blend);

}  // namespace metron::fakes
