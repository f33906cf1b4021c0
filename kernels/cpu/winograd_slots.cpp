// The slots of the provider `winograd`.
#include <metron/kernels/cpu/conv2d_passes.h>
#include <metron/kernels/cpu/winograd.h>
#include <metron/kernels/internal/conv_choice.h>
#include <metron/kernels/internal/install.h>
#include <metron/kernels/internal/long_sums.h>

namespace metron::METRON_ISA::winograd {
namespace {

constexpr Index transposed_images = 8;

bool supports(const Tensor& x, const Tensor& w, const Tensor& y, const Conv2dOptions& o) {
  return y.dtype() == DType::float32 && w.size(2) == filter_taps && w.size(3) == filter_taps &&
         o.stride == Size2(1) && o.dilation == Size2(1) && o.groups == 1 && x.numel() > 0 && y.numel() > 0 &&
         w.size(0) % (2 * lanes) == 0 && w.size(1) % lanes == 0;
}

Tiling tiling_of(const Tensor& read, const Tensor& written, Size2 padding) {
  return {.images = read.size(0),
          .in_height = read.size(2),
          .in_width = read.size(3),
          .channels = read.size(1),
          .out_height = written.size(2),
          .out_width = written.size(3),
          .columns = written.size(1),
          .padding_h = padding.h,
          .padding_w = padding.w};
}

}  // namespace

bool conv2d_forward(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                    Activation activation, Tensor& y) {
  if (!supports(x, w, y, options) || w.size(1) > max_library_terms ||
      !is_chosen(ConvAlgorithm::winograd, ConvPass::forward, x, w, y, options))
    return false;
  const FormattedInput image(x, MemoryFormat::channels_last, copy);
  const FormattedInput weights(w, MemoryFormat::contiguous, copy);
  const FormattedInput dense_bias(bias, MemoryFormat::contiguous, copy);
  FormattedOutput result(y, MemoryFormat::channels_last, copy);
  constexpr Index taps = filter_taps * filter_taps;
  convolve({.tiling = tiling_of(x, y, options.padding),
            .images = image.data<float>(),
            .filters = {weights.data<float>(), taps, w.size(1) * taps, false},
            .bias = dense_bias.data<float>(),
            .relu = activation == Activation::relu,
            .result = result.data<float>()});
  result.finish();
  return true;
}

// From many images the transposed algorithm, else a convolution of g with the rotated filters and the
// complementary padding, which has more tiles but no images that must be computed by one thread.
bool conv2d_backward_input(const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& gx) {
  if (!supports(gx, w, g, options) || w.size(0) > max_library_terms ||
      !is_chosen(ConvAlgorithm::winograd, ConvPass::input_gradient, gx, w, g, options))
    return false;
  const FormattedInput image(g, MemoryFormat::channels_last, copy);
  const FormattedInput weights(w, MemoryFormat::contiguous, copy);
  FormattedOutput result(gx, MemoryFormat::channels_last, copy);
  constexpr Index taps = filter_taps * filter_taps, border = filter_taps - 1;
  const Filters filters{weights.data<float>(), w.size(1) * taps, taps, false};
  if (gx.size(0) >= transposed_images) {
    input_gradient({.tiling = tiling_of(gx, g, options.padding),
                    .gradients = image.data<float>(),
                    .filters = filters,
                    .result = result.data<float>()});
  } else {
    convolve({.tiling = tiling_of(g, gx, {border - options.padding.h, border - options.padding.w}),
              .images = image.data<float>(),
              .filters = {filters.data, filters.row, filters.column, true},
              .bias = nullptr,
              .relu = false,
              .result = result.data<float>()});
  }
  result.finish();
  return true;
}

bool conv2d_backward_weight(const Tensor& g, const Tensor& x, const Conv2dOptions& options, Tensor& gw,
                            Tensor& gb) {
  if (!supports(x, gw, g, options)) return false;
  const Tiling tiling = tiling_of(x, g, options.padding);
  if (!is_accurate(tiling) ||
      !is_chosen(ConvAlgorithm::winograd, ConvPass::weight_gradient, x, gw, g, options))
    return false;
  weight_gradient_pass(
      g, x, gw, gb, [&](const float* image, const float* dense_g, float* weights, float* bias) {
        filter_gradient(
            {.tiling = tiling, .images = image, .gradients = dense_g, .filters = weights, .bias = bias});
      });
  return true;
}

void install(const Provider& p) {
  METRON_INSTALL(p, conv2d_forward);
  METRON_INSTALL(p, conv2d_backward_input);
  METRON_INSTALL(p, conv2d_backward_weight);
}

}  // namespace metron::METRON_ISA::winograd
