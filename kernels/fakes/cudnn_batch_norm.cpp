// Fake of cuDNN: batch norm per channel. Two facts are not in cuDNN's documentation: the running variance is
// unbiased, which PyTorch relies on, and the saved inverse variance is 1 / sqrt(variance + epsilon), as
// measured by ONNX Runtime's developers.
#include <metron/kernels/fakes/cudnn_fake.h>

#include <cmath>

using namespace metron::fakes;

namespace {

struct Statistics {
  std::vector<double> mean, variance;  // biased
};

// Calls body(channel, position) for every element.
template <typename Body>
void for_each_element(const Image& x, const Body& body) {
  const std::int64_t plane = x.sizes[2] * x.sizes[3];
  for (std::int64_t i = 0; i < x.numel(); ++i)
    body(static_cast<std::size_t>(i / plane % x.sizes[1]), static_cast<std::size_t>(i));
}

Statistics statistics(const Image& image, const std::vector<double>& x) {
  const auto channels = static_cast<std::size_t>(image.sizes[1]);
  const double count = static_cast<double>(image.numel() / image.sizes[1]);
  Statistics s{std::vector<double>(channels), std::vector<double>(channels)};
  for_each_element(image, [&](std::size_t c, std::size_t i) { s.mean[c] += x[i] / count; });
  for_each_element(image, [&](std::size_t c, std::size_t i) {
    s.variance[c] += (x[i] - s.mean[c]) * (x[i] - s.mean[c]) / count;
  });
  return s;
}

std::vector<double> inverse_deviation(const std::vector<double>& variance, double epsilon) {
  std::vector<double> inverse;
  for (const double v : variance) inverse.push_back(1 / std::sqrt(v + epsilon));
  return inverse;
}

Image parameters_of(cudnnTensorDescriptor_t desc, const Image& x) {
  const Image& p = image_of(desc, "the parameters' descriptor");
  require(p.sizes == std::array<std::int64_t, 4>{1, x.sizes[1], 1, 1}, "the parameters must be (1, C, 1, 1)");
  require(p.type == (x.type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT),
          "the parameters must be float, or double if the image is double");
  return p;
}

void require_batch_norm(cudnnBatchNormMode_t mode, double epsilon) {
  require(mode == CUDNN_BATCHNORM_SPATIAL, "the mode must be CUDNN_BATCHNORM_SPATIAL");
  require(epsilon >= 0, "epsilon must not be negative, got ", epsilon);
}

}  // namespace

extern "C" {

cudnnStatus_t cudnnBatchNormalizationForwardTraining(
    cudnnHandle_t handle, cudnnBatchNormMode_t mode, const void* alpha, const void* beta,
    cudnnTensorDescriptor_t x_desc, const void* x, cudnnTensorDescriptor_t y_desc, void* y,
    cudnnTensorDescriptor_t parameters, const void* scale, const void* bias, double weight,
    void* running_mean, void* running_variance, double epsilon, void* saved_mean, void* saved_inv_variance) {
  constexpr const char* name = "cudnnBatchNormalizationForwardTraining";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    require_batch_norm(mode, epsilon);
    const Image image = image_of(x_desc, "x's descriptor"), result = image_of(y_desc, "y's descriptor");
    require(image.has_shape_of(result) && image.format == result.format, "x and y differ");
    const Image p = parameters_of(parameters, image);
    require(saved_mean == nullptr && saved_inv_variance == nullptr, "expects no saved statistics");
    const Blend blend = blend_of(alpha, beta, image.type);
    submit(stream, name,
           {operand_of("x", image, x, true, false), operand_of("the scale", p, scale, true, false),
            operand_of("the bias", p, bias, true, false)},
           {result_of("y", result, y, blend), operand_of("the running mean", p, running_mean, true, true),
            operand_of("the running variance", p, running_variance, true, true)},
           [=] {
             std::vector<double> values = read(image, x);
             const std::vector<double> w = read(p, scale), b = read(p, bias);
             const Statistics s = statistics(image, values);
             const std::vector<double> inverse = inverse_deviation(s.variance, epsilon);
             for_each_element(image, [&](std::size_t c, std::size_t i) {
               values[i] = (values[i] - s.mean[c]) * inverse[c] * w[c] + b[c];
             });
             write(result, y, values, blend);
             const double count = static_cast<double>(image.numel() / image.sizes[1]);
             std::vector<double> mean = read(p, running_mean), variance = read(p, running_variance);
             for (std::size_t c = 0; c < mean.size(); ++c) {
               mean[c] = s.mean[c] * weight + mean[c] * (1 - weight);
               variance[c] = s.variance[c] * count / (count - 1) * weight + variance[c] * (1 - weight);
             }
             write(p, running_mean, mean, overwrite);
             write(p, running_variance, variance, overwrite);
           });
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnBatchNormalizationForwardInference(cudnnHandle_t handle, cudnnBatchNormMode_t mode,
                                                      const void* alpha, const void* beta,
                                                      cudnnTensorDescriptor_t x_desc, const void* x,
                                                      cudnnTensorDescriptor_t y_desc, void* y,
                                                      cudnnTensorDescriptor_t parameters, const void* scale,
                                                      const void* bias, const void* mean,
                                                      const void* variance, double epsilon) {
  constexpr const char* name = "cudnnBatchNormalizationForwardInference";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    require_batch_norm(mode, epsilon);
    const Image image = image_of(x_desc, "x's descriptor"), result = image_of(y_desc, "y's descriptor");
    require(image.has_shape_of(result), "x and y differ");
    const Image p = parameters_of(parameters, image);
    const Blend blend = blend_of(alpha, beta, image.type);
    submit(stream, name,
           {operand_of("x", image, x, true, false), operand_of("the scale", p, scale, true, false),
            operand_of("the bias", p, bias, true, false), operand_of("the mean", p, mean, true, false),
            operand_of("the variance", p, variance, true, false)},
           {result_of("y", result, y, blend)}, [=] {
             std::vector<double> values = read(image, x);
             const std::vector<double> w = read(p, scale), b = read(p, bias), m = read(p, mean);
             const std::vector<double> inverse = inverse_deviation(read(p, variance), epsilon);
             for_each_element(image, [&](std::size_t c, std::size_t i) {
               values[i] = (values[i] - m[c]) * inverse[c] * w[c] + b[c];
             });
             write(result, y, values, blend);
           });
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnBatchNormalizationBackward(
    cudnnHandle_t handle, cudnnBatchNormMode_t mode, const void* alpha_data, const void* beta_data,
    const void* alpha_parameters, const void* beta_parameters, cudnnTensorDescriptor_t x_desc, const void* x,
    cudnnTensorDescriptor_t dy_desc, const void* dy, cudnnTensorDescriptor_t dx_desc, void* dx,
    cudnnTensorDescriptor_t parameters, const void* scale, void* d_scale, void* d_bias, double epsilon,
    const void* saved_mean, const void* saved_inv_variance) {
  constexpr const char* name = "cudnnBatchNormalizationBackward";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    require_batch_norm(mode, epsilon);
    const Image image = image_of(x_desc, "x's descriptor"), g = image_of(dy_desc, "dy's descriptor"),
                result = image_of(dx_desc, "dx's descriptor");
    require(image.has_shape_of(g) && image.has_shape_of(result) && image.format == g.format &&
                image.format == result.format,
            "x, dy and dx differ");
    const Image p = parameters_of(parameters, image);
    require(saved_mean != nullptr && saved_inv_variance != nullptr, "expects saved statistics");
    const Blend data = blend_of(alpha_data, beta_data, image.type);
    const Blend gradients = blend_of(alpha_parameters, beta_parameters, image.type);
    submit(stream, name,
           {operand_of("x", image, x, true, false), operand_of("dy", g, dy, true, false),
            operand_of("the scale", p, scale, true, false),
            operand_of("the saved mean", p, saved_mean, true, false),
            operand_of("the saved inverse variance", p, saved_inv_variance, true, false)},
           {result_of("dx", result, dx, data), result_of("the scale's gradient", p, d_scale, gradients),
            result_of("the bias's gradient", p, d_bias, gradients)},
           [=] {
             std::vector<double> values = read(image, x);
             const std::vector<double> dys = read(g, dy), w = read(p, scale), mean = read(p, saved_mean),
                                       inverse = read(p, saved_inv_variance);
             std::vector<double> dw(w.size()), db(w.size());
             for_each_element(image, [&](std::size_t c, std::size_t i) {
               values[i] = (values[i] - mean[c]) * inverse[c];
               dw[c] += dys[i] * values[i];
               db[c] += dys[i];
             });
             const double count = static_cast<double>(image.numel() / image.sizes[1]);
             for_each_element(image, [&](std::size_t c, std::size_t i) {
               values[i] = w[c] * inverse[c] * (dys[i] - db[c] / count - values[i] * dw[c] / count);
             });
             write(result, dx, values, data);
             write(p, d_scale, dw, gradients);
             write(p, d_bias, db, gradients);
           });
    return CUDNN_STATUS_SUCCESS;
  });
}

}  // extern "C"
