// Batch norm by cuDNN. Its functions are deprecated and used in this file only. Batch statistics are read
// back as running statistics with factor 1, whose variance is unbiased, unlike ours. (The saved inverse
// deviation, 1 / sqrt(variance + eps), would lose a variance far below eps.) The backward function takes that
// inverse deviation; small kernels over C elements convert. Parameters are float32 for 16-bit images, whereas
// ours have the image's dtype: declined. So are a backward pass with constant statistics, which cuDNN lacks,
// and one in float32, whose rounded mean may be off by many deviations and whose variance may have
// overflowed; and channels so large that the sums lose precision.
#include <metron/core/slots.h>
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/cudnn/context.h>
#include <metron/kernels/internal/long_sums.h>

#include <utility>

namespace metron::cudnn {
namespace {

constexpr cudnnBatchNormMode_t mode = CUDNN_BATCHNORM_SPATIAL;

bool is_vector(const Tensor& x) { return !x.defined() || x.is_contiguous(); }

// x (N, C, ...) as (N, C, spatial, 1), or channels-last.
bool describe(const Tensor& x, cudnnTensorFormat_t& format) {
  format = x.is_contiguous() ? CUDNN_TENSOR_NCHW : CUDNN_TENSOR_NHWC;
  return x.is_contiguous() || x.is_channels_last();
}

struct Descriptors {
  Descriptors(const Functions& call, const Tensor& image, cudnnTensorFormat_t format)
      : x(call, image.dtype(),
          {image.shape()[0], image.shape()[1], image.numel() / (image.shape()[0] * image.shape()[1]), 1},
          format),
        parameters(call) {
    must(call.batch_norm_derive(parameters.get(), x.get(), mode));
  }
  TensorDescriptor x, parameters;
};

// The parameter, or an identity in its place.
Tensor parameter_or(const Tensor& parameter, double value, const Tensor& like) {
  if (parameter.defined()) return parameter;
  Tensor made = Tensor::empty(like.shape(), like.options());
  return cuda::fill(value, made) ? made : Tensor();
}
Tensor output_or_scratch(const Tensor& output, const Tensor& like) {
  return output.defined() ? output : Tensor::empty(like.shape(), like.options());
}

bool supports_all(std::initializer_list<const Tensor*> images, std::initializer_list<const Tensor*> vectors,
                  cudnnTensorFormat_t& format) {
  const Tensor& first = **images.begin();
  if (first.dtype() != DType::float32 && first.dtype() != DType::float64) return false;
  if (!supports(images) || !supports(vectors) || !describe(first, format)) return false;
  for (const Tensor* image : images) {
    if (image->strides() != first.strides()) return false;
  }
  for (const Tensor* vector : vectors) {
    if (!is_vector(*vector) || (vector->defined() && vector->dtype() != first.dtype())) return false;
  }
  return true;
}

}  // namespace

bool batch_norm(const Tensor& x, const Tensor& w, const Tensor& b, bool batch_statistics, double eps,
                Tensor& mean, Tensor& variance, Tensor& y) {
  cudnnTensorFormat_t format{};
  if (!supports_all({&x, &y}, {&w, &b, &mean, &variance}, format)) return false;
  const std::int64_t count = x.numel() / x.shape()[1];
  if (batch_statistics && (count == 1 || !gpu_library_may_reduce(count, x.dtype())))
    return false;  // 1: no unbiased variance
  return attempt(x.device(), [&](Context& c) {
    const Descriptors desc(c.call(), x, format);
    const Tensor scale = parameter_or(w, 1, mean), shift = parameter_or(b, 0, mean);
    if (!scale.defined() || !shift.defined()) return false;
    if (!batch_statistics) {
      must(c.call().batch_norm_inference(c.handle(), mode, one(x.dtype()), zero(x.dtype()), desc.x.get(),
                                         x.raw_data(), desc.x.get(), y.raw_mutable_data(),
                                         desc.parameters.get(), scale.raw_data(), shift.raw_data(),
                                         mean.raw_data(), variance.raw_data(), eps));
      return true;
    }
    // With factor 1 the old statistics are scaled by 0, which would propagate a NaN.
    if (!cuda::fill(0, mean) || !cuda::fill(0, variance)) return false;
    must(c.call().batch_norm_training(c.handle(), mode, one(x.dtype()), zero(x.dtype()), desc.x.get(),
                                      x.raw_data(), desc.x.get(), y.raw_mutable_data(), desc.parameters.get(),
                                      scale.raw_data(), shift.raw_data(), 1, mean.raw_mutable_data(),
                                      variance.raw_mutable_data(), eps, nullptr, nullptr));
    return cuda::unary({UnaryOp::affine, static_cast<double>(count - 1) / static_cast<double>(count), 0},
                       variance, variance);
  });
}

bool batch_norm_backward(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                         const Tensor& variance, bool batch_statistics, double eps, Tensor& gx, Tensor& gw,
                         Tensor& gb) {
  cudnnTensorFormat_t format{};
  if (!batch_statistics || x.dtype() != DType::float64 ||
      !supports_all({&x, &g, &gx}, {&w, &mean, &variance, &gw, &gb}, format))
    return false;
  return attempt(x.device(), [&](Context& c) {
    const Descriptors desc(c.call(), x, format);
    const Tensor scale = parameter_or(w, 1, mean);
    Tensor inverse = Tensor::empty(variance.shape(), variance.options());
    if (!scale.defined() || !cuda::unary({UnaryOp::affine, 1, eps}, variance, inverse) ||
        !cuda::unary({UnaryOp::power, -0.5, 0}, inverse, inverse))
      return false;
    Tensor scale_gradient = output_or_scratch(gw, mean), shift_gradient = output_or_scratch(gb, mean);
    must(c.call().batch_norm_backward(
        c.handle(), mode, one(x.dtype()), zero(x.dtype()), one(x.dtype()), zero(x.dtype()), desc.x.get(),
        x.raw_data(), desc.x.get(), g.raw_data(), desc.x.get(), gx.raw_mutable_data(), desc.parameters.get(),
        scale.raw_data(), scale_gradient.raw_mutable_data(), shift_gradient.raw_mutable_data(), eps,
        mean.raw_data(), std::as_const(inverse).raw_data()));
    return true;
  });
}

}  // namespace metron::cudnn
