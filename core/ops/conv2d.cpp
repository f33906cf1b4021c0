// 2-D convolution. The gradients with respect to x and w are convolutions as well: the three ops below are
// each other's gradients and can be differentiated any number of times.
#include <metron/core/ops/common.h>

namespace metron {
namespace {

void check_options(const Conv2dOptions& o) {
  check<ValueError>(detail::is_in_range(o.stride, 1), "conv2d", "strides must be at least 1, got ",
                    o.stride.h, " and ", o.stride.w);
  check<ValueError>(detail::is_in_range(o.padding, 0), "conv2d", "paddings must not be negative, got ",
                    o.padding.h, " and ", o.padding.w);
  check<ValueError>(detail::is_in_range(o.dilation, 1), "conv2d", "dilations must be at least 1, got ",
                    o.dilation.h, " and ", o.dilation.w);
  check<ValueError>(o.groups >= 1, "conv2d", "groups must be at least 1, got ", o.groups);
}

void check_shapes(const Tensor& x, const Tensor& w, const Tensor& b, const Conv2dOptions& o) {
  check<ShapeError>(x.rank() == 4 && w.rank() == 4, "conv2d",
                    "expects x (N, C, H, W) and a weight (O, C / groups, KH, KW), got ", x.shape(), " and ",
                    w.shape());
  const std::int64_t channels = x.shape()[1], outputs = w.shape()[0];
  check<ShapeError>(detail::is_in_range({w.shape()[2], w.shape()[3]}, 1), "conv2d",
                    "the kernel must be at least 1 by 1, got weight ", w.shape());
  check<ShapeError>(channels % o.groups == 0 && outputs % o.groups == 0, "conv2d", o.groups,
                    " groups must divide the channels, got x ", x.shape(), " and weight ", w.shape());
  check<ShapeError>(w.shape()[1] == channels / o.groups, "conv2d", "weight ", w.shape(), " expects ",
                    w.shape()[1], " input channels per group, got x ", x.shape());
  check<ShapeError>(!b || b.shape() == Shape{outputs}, "conv2d", "the bias must be (", outputs, ",), got ",
                    describe(b));
}

std::int64_t output_size(std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                         std::int64_t dilation) {
  return (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
}

Shape output_shape(const Tensor& x, const Tensor& w, const Conv2dOptions& o) {
  const std::int64_t h = x.shape()[2], width = x.shape()[3], kh = w.shape()[2], kw = w.shape()[3];
  check<ShapeError>(
      h + 2 * o.padding.h > o.dilation.h * (kh - 1) && width + 2 * o.padding.w > o.dilation.w * (kw - 1),
      "conv2d", "the kernel must fit into the padded input, got weight ", w.shape(), " and x ", x.shape());
  return {x.shape()[0], w.shape()[0], output_size(h, kh, o.stride.h, o.padding.h, o.dilation.h),
          output_size(width, kw, o.stride.w, o.padding.w, o.dilation.w)};
}

Tensor empty_image(const Shape& shape, const Tensor& like) {
  return Tensor::empty(shape, {like.dtype(), like.device(), detail::preferred_format(like.device())});
}

Tensor weight_gradient(const Tensor& g, const Tensor& x, const Conv2dOptions& options, const Shape& w_shape,
                       Tensor bias_gradient);

// The gradient of sum(g * conv2d(x, w)) with respect to x.
Tensor input_gradient(const Tensor& output_gradient, const Tensor& w, const Conv2dOptions& options,
                      const Shape& x_shape) {
  const OpScope scope("conv2d_input_gradient");
  const Tensor g = detail::with_image_layout(output_gradient);
  Tensor gx = empty_image(x_shape, g);
  kernel::conv2d_backward_input(g, w, options, gx);
  record("conv2d_input_gradient", gx, {&g, &w}, Backward::composite,
         [g = saved(g), w = saved(w), options](const Tensor& ggx, GradMask needed) {
           Gradients gradients(2);
           if (needed[0]) gradients[0] = conv2d(ggx, w.get(), {}, options);
           if (needed[1]) gradients[1] = weight_gradient(g.get(), ggx, options, w.get().shape(), {});
           return gradients;
         });
  return gx;
}

// The gradient with respect to w. The same kernel writes bias_gradient if it is defined.
Tensor weight_gradient(const Tensor& g, const Tensor& input, const Conv2dOptions& options,
                       const Shape& w_shape, Tensor bias_gradient) {
  const OpScope scope("conv2d_weight_gradient");
  const Tensor x = detail::with_image_layout(input);
  Tensor gw = Tensor::empty(w_shape, g.options());
  kernel::conv2d_backward_weight(g, x, options, gw, bias_gradient);
  record("conv2d_weight_gradient", gw, {&g, &x}, Backward::composite,
         [g = saved(g), x = saved(x), options](const Tensor& ggw, GradMask needed) {
           Gradients gradients(2);
           if (needed[0]) gradients[0] = conv2d(x.get(), ggw, {}, options);
           if (needed[1]) gradients[1] = input_gradient(g.get(), contiguous(ggw), options, x.get().shape());
           return gradients;
         });
  return gw;
}

}  // namespace

Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias, const Conv2dOptions& options,
              Activation activation) {
  const OpScope scope("conv2d");
  detail::check_operands("conv2d", {&input, &weight, detail::optional(bias)});
  detail::check_floating("conv2d", input);
  check_options(options);
  check_shapes(input, weight, bias, options);
  const Shape shape = output_shape(input, weight, options);
  const Tensor x = detail::with_image_layout(input), w = contiguous(weight);
  const Tensor b = bias ? contiguous(bias) : bias;
  Tensor y = empty_image(shape, x);
  kernel::conv2d_forward(x, w, b, options, activation, y);
  record("conv2d", y, {&x, &w, &b}, Backward::composite,
         [x = saved(x), w = saved(w), options,
          y = activation == Activation::relu ? saved_output(y) : SavedTensor()](const Tensor& gy,
                                                                                GradMask needed) {
           const Tensor g = contiguous(y.defined() ? detail::relu_gradient(gy, y.get()) : gy,
                                       detail::preferred_format(gy.device()));
           Gradients gradients(3);
           if (needed[0]) gradients[0] = input_gradient(g, w.get(), options, x.get().shape());
           const bool fused_bias = needed[1] && needed[2] && !grad_enabled();
           if (fused_bias) gradients[2] = Tensor::empty({g.shape()[1]}, g.options());
           if (needed[1]) gradients[1] = weight_gradient(g, x.get(), options, w.get().shape(), gradients[2]);
           if (needed[2] && !fused_bias) gradients[2] = sum(g, {0, 2, 3});
           return gradients;
         });
  return y;
}

}  // namespace metron
