// Pooling over windows of (N, C, H, W), preserving the memory format.
#include <metron/core/ops/common.h>

namespace metron {
namespace {

// Validates the options and resolves a stride of 0.
Pool2dOptions checked_options(const char* op, const Tensor& x, Pool2dOptions o) {
  detail::check_operands(op, {&x});
  detail::check_floating(op, x);
  check<ShapeError>(x.rank() == 4 && x.shape()[2] > 0 && x.shape()[3] > 0, op,
                    "expects x (N, C, H, W) with H and W of at least 1, got ", x.shape());
  check<ValueError>(detail::is_in_range(o.kernel, 1), op, "the kernel must be at least 1, got ", o.kernel.h,
                    " and ", o.kernel.w);
  if (o.stride == Size2(0)) o.stride = o.kernel;
  check<ValueError>(detail::is_in_range(o.stride, 1), op, "strides must be at least 1, got ", o.stride.h,
                    " and ", o.stride.w);
  check<ValueError>(
      o.padding.h >= 0 && o.padding.w >= 0 && o.padding.h <= o.kernel.h / 2 && o.padding.w <= o.kernel.w / 2,
      op, "paddings must be between 0 and half the kernel, got ", o.padding.h, " and ", o.padding.w,
      " for a kernel of ", o.kernel.h, " by ", o.kernel.w);
  check<ShapeError>(
      x.shape()[2] + 2 * o.padding.h >= o.kernel.h && x.shape()[3] + 2 * o.padding.w >= o.kernel.w, op,
      "the kernel of ", o.kernel.h, " by ", o.kernel.w, " must fit into the padded input, got ", x.shape());
  return o;
}

Tensor empty_output(const Tensor& x, const Pool2dOptions& o, MemoryFormat format) {
  const std::int64_t h = (x.shape()[2] + 2 * o.padding.h - o.kernel.h) / o.stride.h + 1;
  const std::int64_t w = (x.shape()[3] + 2 * o.padding.w - o.kernel.w) / o.stride.w + 1;
  return Tensor::empty({x.shape()[0], x.shape()[1], h, w}, {x.dtype(), x.device(), format});
}

// x's memory format; the preferred one if x has both.
MemoryFormat output_format(const Tensor& x) {
  const bool contiguous = x.is_contiguous(), last = x.is_channels_last();
  if (contiguous == last) return detail::preferred_format(x.device());
  return last ? MemoryFormat::channels_last : MemoryFormat::contiguous;
}

Tensor average(const Tensor& x, const Pool2dOptions& options);

// avg_pool2d is linear: average_adjoint is its adjoint, and vice versa.
Tensor average_adjoint(const Tensor& gradient, const Pool2dOptions& options, const Shape& x_shape) {
  const Tensor g = detail::with_image_layout(gradient);
  Tensor gx = Tensor::empty(x_shape, {g.dtype(), g.device(), output_format(g)});
  kernel::avg_pool2d_backward(g, options, gx);
  record("avg_pool2d_backward", gx, {&g}, Backward::composite,
         [options](const Tensor& gg) { return average(gg, options); });
  return gx;
}

Tensor average(const Tensor& input, const Pool2dOptions& options) {
  const Tensor x = detail::with_image_layout(input);
  Tensor y = empty_output(x, options, output_format(x));
  kernel::avg_pool2d(x, options, y);
  record("avg_pool2d", y, {&x}, Backward::composite,
         [options, x_shape = x.shape()](const Tensor& g) { return average_adjoint(g, options, x_shape); });
  return y;
}

}  // namespace

Tensor max_pool2d(const Tensor& input, const Pool2dOptions& requested_options) {
  const OpScope scope("max_pool2d");
  const Pool2dOptions options = checked_options("max_pool2d", input, requested_options);
  const Tensor x = detail::with_image_layout(input);
  const MemoryFormat format = output_format(x);
  Tensor y = empty_output(x, options, format), indices;
  if (needs_grad({&x})) {
    const bool small = options.kernel.h * options.kernel.w <= 256;
    indices = Tensor::empty(y.shape(), {small ? DType::uint8 : DType::int64, x.device(), format});
  }
  kernel::max_pool2d(x, options, y, indices);
  record("max_pool2d", y, {&x}, Backward::fused,
         [options, format, x_shape = x.shape(), indices = saved(indices)](const Tensor& g) {
           Tensor gx = Tensor::empty(x_shape, {g.dtype(), g.device(), format});
           kernel::max_pool2d_backward(contiguous(g, format), indices.get(), options, gx);
           return gx;
         });
  return y;
}

Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options) {
  const OpScope scope("avg_pool2d");
  return average(x, checked_options("avg_pool2d", x, options));
}

}  // namespace metron
