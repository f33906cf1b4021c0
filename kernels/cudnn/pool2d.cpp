// Pooling by cuDNN. Its functions are deprecated and used in this file only. The backward functions read x
// and y, which the slots do not save (max pooling saves indices, average pooling nothing): those are
// declined, as are averages of more elements than a library may sum.
#include <metron/core/slots.h>
#include <metron/kernels/cudnn/context.h>
#include <metron/kernels/internal/long_sums.h>

#include <algorithm>
#include <limits>

namespace metron::cudnn {
namespace {

bool pool(const Tensor& x, const Pool2dOptions& o, cudnnPoolingMode_t mode, Tensor& y) {
  cudnnTensorFormat_t x_format{}, y_format{};
  const auto most = std::max({o.kernel.h, o.kernel.w, o.stride.h, o.stride.w});
  if (!supports({&x, &y}) || !format_of(x, y, x_format) || !format_of(y, x, y_format) ||
      most > std::numeric_limits<int>::max())
    return false;
  return attempt(x.device(), [&](Context& c) {
    const Functions& call = c.call();
    const TensorDescriptor from(call, x.dtype(), {x.size(0), x.size(1), x.size(2), x.size(3)}, x_format);
    const TensorDescriptor to(call, y.dtype(), {y.size(0), y.size(1), y.size(2), y.size(3)}, y_format);
    const Descriptor<cudnnPoolingDescriptor_t> pooling(call.pooling_create, call.pooling_destroy);
    const auto number = [](std::int64_t value) { return static_cast<int>(value); };
    must(call.pooling_set(pooling.get(), mode, CUDNN_PROPAGATE_NAN, number(o.kernel.h), number(o.kernel.w),
                          number(o.padding.h), number(o.padding.w), number(o.stride.h), number(o.stride.w)));
    must(call.pooling_forward(c.handle(), pooling.get(), one(x.dtype()), from.get(), x.raw_data(),
                              zero(x.dtype()), to.get(), y.raw_mutable_data()));
    return true;
  });
}

}  // namespace

// cuDNN does not return the argmax.
bool max_pool2d(const Tensor& x, const Pool2dOptions& options, Tensor& y, Tensor& indices) {
  return !indices.defined() && pool(x, options, CUDNN_POOLING_MAX, y);
}

bool avg_pool2d(const Tensor& x, const Pool2dOptions& options, Tensor& y) {
  return gpu_library_may_sum(options.kernel.h * options.kernel.w, x.dtype()) &&
         pool(x, options, CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING, y);
}

}  // namespace metron::cudnn
