// Convolution. The JIT kernels require channels-last images, so images in other layouts are reordered.
// Weights are reordered at every call (3 us for (64, 32, 3, 3)). Shapes for which oneDNN has only a GEMM
// implementation are declined: the portable kernels are faster. So are sums longer than a chain, which oneDNN
// does not cut: all weight gradients but those of few pixels.
#include <metron/core/parallel.h>
#include <metron/core/slots.h>
#include <metron/kernels/internal/conv_choice.h>
#include <metron/kernels/internal/long_sums.h>
#include <metron/kernels/onednn/context.h>

#include <cmath>

namespace metron::onednn {
namespace {

using dnnl::memory;
constexpr auto f32 = memory::data_type::f32;
constexpr auto direct = dnnl::algorithm::convolution_direct;

memory::dims dims_of(const Tensor& tensor) { return {tensor.shape().begin(), tensor.shape().end()}; }

memory::desc channels_last(const Tensor& x) { return {dims_of(x), f32, memory::format_tag::nhwc}; }
// An image in both layouts, such as one with a single channel, counts as channels-last.
memory::desc as_stored(const Tensor& x) {
  return {dims_of(x), f32, x.is_channels_last() ? memory::format_tag::nhwc : memory::format_tag::nchw};
}

// oneDNN descriptors of the convolution of x (N, C, H, W) to y (N, O, OH, OW).
struct Convolution {
  memory::desc x, w, bias, y;  // w in any layout; bias is empty if there is none
  memory::desc stored_w;
  memory::dims stride, dilation, padding;

  Convolution(const Tensor& image, const Tensor& weight, bool has_bias, const Tensor& result,
              const Conv2dOptions& o)
      : x(channels_last(image)),
        y(channels_last(result)),
        stride{o.stride.h, o.stride.w},
        dilation{o.dilation.h - 1, o.dilation.w - 1},
        padding{o.padding.h, o.padding.w} {
    if (has_bias) bias = memory::desc({result.size(1)}, f32, memory::format_tag::a);
    memory::dims dims = dims_of(weight);
    if (o.groups > 1) {
      dims[0] /= o.groups;
      dims.insert(dims.begin(), o.groups);
    }
    w = memory::desc(dims, f32, memory::format_tag::any);
    stored_w = memory::desc(dims, f32, o.groups > 1 ? memory::format_tag::goihw : memory::format_tag::oihw);
  }

  dnnl::convolution_forward::desc forward() const {
    return {dnnl::prop_kind::forward_training, direct, x, w, bias, y, stride, dilation, padding, padding};
  }
  dnnl::convolution_forward::primitive_desc hint() const { return {forward(), engine()}; }
};

// oneDNN 2.6 writes out of bounds in strided 1x1 convolutions of channels-last images.
bool is_safe(const Tensor& w, const Conv2dOptions& o) {
  return w.size(2) * w.size(3) > 1 || o.stride == Size2(1);
}

Key key(Op op, const Tensor& x, const Tensor& w, const Tensor& y, const Conv2dOptions& o) {
  return Key(op) << x.shape() << x.is_channels_last() << w.shape() << y.shape() << y.is_channels_last()
                 << o.stride << o.padding << o.dilation << o.groups;
}

dnnl::primitive_attr relu_epilogue() {
  dnnl::post_ops epilogue;
  epilogue.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(epilogue);
  return attributes;
}

// oneDNN's ReLU maps NaN to 0. Fusing it is safe if no sum can overflow: at most 2^20 products below 2^100.
bool relu_can_be_fused(const Tensor& x, const Tensor& w, const Tensor& bias) {
  const auto below = [](float limit) { return [=](float value) { return std::abs(value) < limit; }; };
  return w.numel() / w.size(0) <= 1 << 20 && (!bias.defined() || all_elements(bias, below(0x1p100f))) &&
         all_elements(w, below(0x1p50f)) && all_elements(x, below(0x1p50f));
}

void relu_in_place(Tensor& y) {
  float* const data = y.mutable_data<float>();
  parallel_for(y.numel(), 32768, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) data[i] = data[i] < 0 ? 0 : data[i];
  });
}

std::unique_ptr<Call> forward(const Tensor& x, const Tensor& w, const Tensor& bias,
                              const Conv2dOptions& options, bool relu, const Tensor& y) {
  const Convolution conv(x, w, bias.defined(), y, options);
  const auto desc = generated<dnnl::convolution_forward>(
      conv.forward(), relu ? relu_epilogue() : dnnl::primitive_attr(), engine());
  if (!desc) return nullptr;
  auto call = std::make_unique<Call>(dnnl::convolution_forward(*desc));
  call->input(DNNL_ARG_SRC, as_stored(x), desc->src_desc());
  call->input(DNNL_ARG_WEIGHTS, conv.stored_w, desc->weights_desc());
  if (bias.defined()) call->input(DNNL_ARG_BIAS, conv.bias);
  call->output(DNNL_ARG_DST, as_stored(y), desc->dst_desc());
  return call;
}

std::unique_ptr<Call> backward_input(const Tensor& g, const Tensor& w, const Conv2dOptions& options,
                                     const Tensor& gx) {
  const Convolution conv(gx, w, false, g, options);
  const auto desc = generated<dnnl::convolution_backward_data>(
      {direct, conv.x, conv.w, conv.y, conv.stride, conv.dilation, conv.padding, conv.padding}, engine(),
      conv.hint());
  if (!desc) return nullptr;
  auto call = std::make_unique<Call>(dnnl::convolution_backward_data(*desc));
  call->input(DNNL_ARG_DIFF_DST, as_stored(g), desc->diff_dst_desc());
  call->input(DNNL_ARG_WEIGHTS, conv.stored_w, desc->weights_desc());
  call->output(DNNL_ARG_DIFF_SRC, as_stored(gx), desc->diff_src_desc());
  return call;
}

std::unique_ptr<Call> backward_weight(const Tensor& g, const Tensor& x, const Conv2dOptions& options,
                                      const Tensor& gw, bool has_bias) {
  const Convolution conv(x, gw, has_bias, g, options);
  const auto desc = generated<dnnl::convolution_backward_weights>(
      {direct, conv.x, conv.w, conv.bias, conv.y, conv.stride, conv.dilation, conv.padding, conv.padding},
      engine(), conv.hint());
  if (!desc) return nullptr;
  auto call = std::make_unique<Call>(dnnl::convolution_backward_weights(*desc));
  call->input(DNNL_ARG_DIFF_DST, as_stored(g), desc->diff_dst_desc());
  call->input(DNNL_ARG_SRC, as_stored(x), desc->src_desc());
  call->output(DNNL_ARG_DIFF_WEIGHTS, conv.stored_w, desc->diff_weights_desc());
  if (has_bias) call->output(DNNL_ARG_DIFF_BIAS, conv.bias);
  return call;
}

}  // namespace

bool conv2d_forward(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                    Activation activation, Tensor& y) {
  if (!supports({&x, &w, &bias, &y}) || !is_safe(w, options) || w.numel() / w.size(0) > max_library_terms)
    return false;
  if (!is_chosen(ConvAlgorithm::onednn, ConvPass::forward, x, w, y, options)) return false;
  const bool relu = activation == Activation::relu;
  const bool fused = relu && relu_can_be_fused(x, w, bias);
  Call* const call = cached_call(key(Op::conv2d, x, w, y, options) << bias.defined() << fused,
                                 [&] { return forward(x, w, bias, options, fused, y); });
  if (call == nullptr) return false;
  const float *image = x.data<float>(), *weights = w.data<float>();
  if (bias.defined()) {
    call->run({image, weights, bias.data<float>(), y.mutable_data<float>()});
  } else {
    call->run({image, weights, y.mutable_data<float>()});
  }
  if (relu && !fused) relu_in_place(y);
  return true;
}

bool conv2d_backward_input(const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& gx) {
  if (!supports({&g, &w, &gx}) || !is_safe(w, options) ||
      w.numel() / w.size(1) / options.groups > max_library_terms)
    return false;
  if (!is_chosen(ConvAlgorithm::onednn, ConvPass::input_gradient, gx, w, g, options)) return false;
  Call* const call = cached_call(key(Op::conv2d_backward_input, gx, w, g, options),
                                 [&] { return backward_input(g, w, options, gx); });
  if (call == nullptr) return false;
  call->run({g.data<float>(), w.data<float>(), gx.mutable_data<float>()});
  return true;
}

bool conv2d_backward_weight(const Tensor& g, const Tensor& x, const Conv2dOptions& options, Tensor& gw,
                            Tensor& gb) {
  if (!supports({&g, &x, &gw, &gb}) || !is_safe(gw, options) || g.numel() / g.size(1) > max_library_terms)
    return false;
  if (!is_chosen(ConvAlgorithm::onednn, ConvPass::weight_gradient, x, gw, g, options)) return false;
  Call* const call = cached_call(key(Op::conv2d_backward_weight, x, gw, g, options) << gb.defined(),
                                 [&] { return backward_weight(g, x, options, gw, gb.defined()); });
  if (call == nullptr) return false;
  const float *gradient = g.data<float>(), *image = x.data<float>();
  if (gb.defined()) {
    call->run({gradient, image, gw.mutable_data<float>(), gb.mutable_data<float>()});
  } else {
    call->run({gradient, image, gw.mutable_data<float>()});
  }
  return true;
}

}  // namespace metron::onednn
