// Fake of cuDNN: pooling.
#include <metron/kernels/fakes/cudnn_fake.h>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace metron::fakes;

namespace {

double pooled(const Pooling& p, const Image& x, const double* plane, std::int64_t top, std::int64_t left) {
  const bool maximum = p.mode == CUDNN_POOLING_MAX;
  double value = maximum ? -std::numeric_limits<double>::infinity() : 0;
  std::int64_t count = 0;
  for (std::int64_t h = std::max<std::int64_t>(top, 0); h < std::min(top + p.window_h, x.sizes[2]); ++h) {
    for (std::int64_t w = std::max<std::int64_t>(left, 0); w < std::min(left + p.window_w, x.sizes[3]); ++w) {
      const double element = plane[h * x.sizes[3] + w];
      ++count;
      if (!maximum)
        value += element;
      else if (element > value || (std::isnan(element) && p.nan == CUDNN_PROPAGATE_NAN))
        value = element;
      if (maximum && std::isnan(value)) return value;
    }
  }
  if (maximum) return value;
  const bool padded = p.mode == CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING;
  return value / static_cast<double>(padded ? p.window_h * p.window_w : count);
}

std::vector<double> pool(const Pooling& p, const Image& x, const void* data, const Image& y) {
  const std::vector<double> values = read(x, data);
  std::vector<double> result;
  result.reserve(static_cast<std::size_t>(y.numel()));
  for (std::int64_t plane = 0; plane < y.sizes[0] * y.sizes[1]; ++plane) {
    const double* const from = values.data() + plane * x.sizes[2] * x.sizes[3];
    for (std::int64_t h = 0; h < y.sizes[2]; ++h) {
      for (std::int64_t w = 0; w < y.sizes[3]; ++w)
        result.push_back(pooled(p, x, from, h * p.stride_h - p.pad_h, w * p.stride_w - p.pad_w));
    }
  }
  return result;
}

}  // namespace

extern "C" {

cudnnStatus_t cudnnPoolingForward(cudnnHandle_t handle, cudnnPoolingDescriptor_t pooling, const void* alpha,
                                  cudnnTensorDescriptor_t x_desc, const void* x, const void* beta,
                                  cudnnTensorDescriptor_t y_desc, void* y) {
  constexpr const char* name = "cudnnPoolingForward";
  return cudnn_answered(name, [&] {
    const cudaStream_t stream = stream_of(handle);
    const Pooling p = pooling_of(pooling);
    const Image from = image_of(x_desc, "x's descriptor"), to = image_of(y_desc, "y's descriptor");
    const std::array<std::int64_t, 4> sizes{from.sizes[0], from.sizes[1],
                                            (from.sizes[2] + 2 * p.pad_h - p.window_h) / p.stride_h + 1,
                                            (from.sizes[3] + 2 * p.pad_w - p.window_w) / p.stride_w + 1};
    require(to.sizes == sizes && to.type == from.type, "y must be (", sizes[0], ", ", sizes[1], ", ",
            sizes[2], ", ", sizes[3], "), of x's type");
    const Blend blend = blend_of(alpha, beta, to.type);
    submit(stream, name, {operand_of("x", from, x, true, false)}, {result_of("y", to, y, blend)},
           [=] { write(to, y, pool(p, from, x, to), blend); });
    return CUDNN_STATUS_SUCCESS;
  });
}

}  // extern "C"
