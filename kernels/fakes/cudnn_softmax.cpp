// Fake of cuDNN: softmax, over the channels of each pixel.
#include <metron/kernels/fakes/cudnn_fake.h>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace metron::fakes;

namespace {

template <typename Body>
void for_each_pixel(const Image& x, const Body& body) {
  const std::int64_t plane = x.sizes[2] * x.sizes[3];
  for (std::int64_t n = 0; n < x.sizes[0]; ++n) {
    for (std::int64_t pixel = 0; pixel < plane; ++pixel) {
      body([=](std::int64_t c) { return static_cast<std::size_t>((n * x.sizes[1] + c) * plane + pixel); });
    }
  }
}

std::vector<double> softmax(const Image& image, const void* data, bool log) {
  std::vector<double> values = read(image, data);
  const std::int64_t channels = image.sizes[1];
  for_each_pixel(image, [&](const auto& at) {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (std::int64_t c = 0; c < channels; ++c) largest = std::max(largest, values[at(c)]);
    for (std::int64_t c = 0; c < channels; ++c) sum += std::exp(values[at(c)] - largest);
    for (std::int64_t c = 0; c < channels; ++c) {
      const double shifted = values[at(c)] - largest;
      values[at(c)] = log ? shifted - std::log(sum) : std::exp(shifted) / sum;
    }
  });
  return values;
}

std::vector<double> softmax_gradient(const Image& image, const void* y_data, const void* dy_data, bool log) {
  const std::vector<double> y = read(image, y_data), dy = read(image, dy_data);
  std::vector<double> dx(y.size());
  const std::int64_t channels = image.sizes[1];
  for_each_pixel(image, [&](const auto& at) {
    double sum = 0;
    for (std::int64_t c = 0; c < channels; ++c) sum += log ? dy[at(c)] : dy[at(c)] * y[at(c)];
    for (std::int64_t c = 0; c < channels; ++c)
      dx[at(c)] = log ? dy[at(c)] - std::exp(y[at(c)]) * sum : y[at(c)] * (dy[at(c)] - sum);
  });
  return dx;
}

}  // namespace

extern "C" {

cudnnStatus_t cudnnSoftmaxForward(cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algo, cudnnSoftmaxMode_t mode,
                                  const void* alpha, cudnnTensorDescriptor_t x_desc, const void* x,
                                  const void* beta, cudnnTensorDescriptor_t y_desc, void* y) {
  constexpr const char* name = "cudnnSoftmaxForward";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Image from = image_of(x_desc, "x's descriptor"), to = image_of(y_desc, "y's descriptor");
    require(from.has_shape_of(to), "x and y differ in shape or type");
    require(mode == CUDNN_SOFTMAX_MODE_CHANNEL && algo != CUDNN_SOFTMAX_FAST,
            "expects mode CHANNEL and not algorithm FAST, which overflows");
    const Blend blend = blend_of(alpha, beta, to.type);
    submit(stream, name, {operand_of("x", from, x, true, false)}, {result_of("y", to, y, blend)},
           [=] { write(to, y, softmax(from, x, algo == CUDNN_SOFTMAX_LOG), blend); });
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnSoftmaxBackward(cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algo,
                                   cudnnSoftmaxMode_t mode, const void* alpha, cudnnTensorDescriptor_t y_desc,
                                   const void* y, cudnnTensorDescriptor_t dy_desc, const void* dy,
                                   const void* beta, cudnnTensorDescriptor_t dx_desc, void* dx) {
  constexpr const char* name = "cudnnSoftmaxBackward";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Image from = image_of(y_desc, "y's descriptor"), g = image_of(dy_desc, "dy's descriptor"),
                to = image_of(dx_desc, "dx's descriptor");
    require(from.has_shape_of(to) && g.has_shape_of(to) && g.format == from.format,
            "y, dy and dx differ in shape, format or type");
    require(mode == CUDNN_SOFTMAX_MODE_CHANNEL, "expects mode CHANNEL");
    const Blend blend = blend_of(alpha, beta, to.type);
    submit(stream, name, {operand_of("y", from, y, true, false), operand_of("dy", g, dy, true, false)},
           {result_of("dx", to, dx, blend)},
           [=] { write(to, dx, softmax_gradient(from, y, dy, algo == CUDNN_SOFTMAX_LOG), blend); });
    return CUDNN_STATUS_SUCCESS;
  });
}

}  // extern "C"
