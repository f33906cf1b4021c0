// The slots of the provider `direct`.
#include <metron/kernels/cpu/conv2d_passes.h>
#include <metron/kernels/cpu/direct.h>
#include <metron/kernels/internal/conv_choice.h>
#include <metron/kernels/internal/install.h>

#include <algorithm>

namespace metron::METRON_ISA::direct {
namespace {

// A thread copies the padded lines that it reads: no more than this many elements.
constexpr double most_copied = 1 << 18;

double copied_elements(const Tensor& x, const Tensor& w, const Tensor& y, const Conv2dOptions& o) {
  const auto number = [](Index n) { return static_cast<double>(n); };
  const double span = number(std::max(x.size(3), y.size(3) * o.stride.w)) + 2 * number(o.padding.w) +
                      number(o.dilation.w) * number(w.size(3) - 1);
  return span * number(std::max(x.size(1), y.size(1)) / o.groups) * number(w.size(2));
}

// Depthwise convolutions have no matrix product, and 1 x 1 is one without taps: `cpu` computes both.
bool supports(const Tensor& x, const Tensor& w, const Tensor& y, const Conv2dOptions& o) {
  return y.dtype() == DType::float32 && !is_depthwise(w, o) && !is_product(w, o) && x.numel() > 0 &&
         y.numel() > 0 && w.numel() > 0 && copied_elements(x, w, y, o) <= most_copied;
}

}  // namespace

bool conv2d_forward(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                    Activation activation, Tensor& y) {
  if (!supports(x, w, y, options) || w.numel() / w.size(0) > max_chained_terms ||
      !is_chosen(ConvAlgorithm::direct, ConvPass::forward, x, w, y, options))
    return false;
  forward_pass<float>(x, w, bias, options, activation, y, convolve);
  return true;
}

bool conv2d_backward_input(const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& gx) {
  if (!supports(gx, w, g, options) || w.numel() / w.size(1) / options.groups > max_chained_terms ||
      !is_chosen(ConvAlgorithm::direct, ConvPass::input_gradient, gx, w, g, options))
    return false;
  input_gradient_pass<float>(g, w, options, gx, convolve);
  return true;
}

bool conv2d_backward_weight(const Tensor& g, const Tensor& x, const Conv2dOptions& options, Tensor& gw,
                            Tensor& gb) {
  if (!supports(x, gw, g, options)) return false;
  const Windows windows = windows_of(x, gw, g, options);
  WeightGradient<float> gradient{
      .gather = {forward_gather(windows.h), forward_gather(windows.w), nullptr, x.size(1), gw.size(1)},
      .pixels = g.size(0) * g.size(2) * g.size(3),
      .groups = options.groups,
      .g = nullptr,
      .columns = gw.size(0) / options.groups};
  if (!is_accurate(gradient) ||
      !is_chosen(ConvAlgorithm::direct, ConvPass::weight_gradient, x, gw, g, options))
    return false;
  weight_gradient_pass(g, x, gw, gb,
                       [&](const float* image, const float* dense_g, float* weights, float* bias) {
                         gradient.gather.images = image;
                         gradient.g = dense_g;
                         weight_gradient(gradient, weights, bias);
                       });
  return true;
}

void install(const Provider& p) {
  METRON_INSTALL(p, conv2d_forward);
  METRON_INSTALL(p, conv2d_backward_input);
  METRON_INSTALL(p, conv2d_backward_weight);
}

}  // namespace metron::METRON_ISA::direct
