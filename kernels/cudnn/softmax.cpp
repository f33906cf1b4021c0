// Softmax and log-softmax by cuDNN: a contiguous x is viewed as (outer, axis, inner, 1), with the axis as
// channels. Declined: axes so long that the sums lose precision.
#include <metron/core/slots.h>
#include <metron/kernels/cudnn/context.h>
#include <metron/kernels/internal/long_sums.h>

namespace metron::cudnn {
namespace {

TensorDescriptor describe_along(const Functions& call, const Tensor& x, int axis) {
  std::int64_t outer = 1, inner = 1;
  for (int i = 0; i < x.rank(); ++i) {
    if (i < axis) outer *= x.shape()[i];
    if (i > axis) inner *= x.shape()[i];
  }
  return {call, x.dtype(), {outer, x.shape()[axis], inner, 1}};
}

constexpr cudnnSoftmaxAlgorithm_t algorithm(bool log) {
  return log ? CUDNN_SOFTMAX_LOG : CUDNN_SOFTMAX_ACCURATE;
}

}  // namespace

bool softmax(const Tensor& x, int axis, bool log, Tensor& y) {
  if (!supports({&x, &y}) || !x.is_contiguous() || !y.is_contiguous() || x.rank() == 0 ||
      !gpu_library_may_reduce(x.size(axis), x.dtype()))
    return false;
  return attempt(x.device(), [&](Context& c) {
    const TensorDescriptor desc = describe_along(c.call(), x, axis);
    must(c.call().softmax_forward(c.handle(), algorithm(log), CUDNN_SOFTMAX_MODE_CHANNEL, one(x.dtype()),
                                  desc.get(), x.raw_data(), zero(x.dtype()), desc.get(),
                                  y.raw_mutable_data()));
    return true;
  });
}

bool softmax_backward(const Tensor& g, const Tensor& y, int axis, bool log, Tensor& gx) {
  if (!supports({&g, &y, &gx}) || !g.is_contiguous() || !y.is_contiguous() || !gx.is_contiguous() ||
      y.rank() == 0 || !gpu_library_may_reduce(y.size(axis), y.dtype()))
    return false;
  return attempt(y.device(), [&](Context& c) {
    const TensorDescriptor desc = describe_along(c.call(), y, axis);
    must(c.call().softmax_backward(c.handle(), algorithm(log), CUDNN_SOFTMAX_MODE_CHANNEL, one(y.dtype()),
                                   desc.get(), y.raw_data(), desc.get(), g.raw_data(), zero(y.dtype()),
                                   desc.get(), gx.raw_mutable_data()));
    return true;
  });
}

}  // namespace metron::cudnn
