// The convolution slots: each pass maps to a product of convolution.h.
#include <metron/kernels/cpu/conv2d_passes.h>

namespace metron::METRON_ISA {

bool conv2d_forward(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                    Activation activation, Tensor& y) {
  return visit_dtype<float, double>(
      y.dtype(), [&]<typename T>() { forward_pass<T>(x, w, bias, options, activation, y, convolve<T>); });
}

bool conv2d_backward_input(const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& gx) {
  return visit_dtype<float, double>(
      gx.dtype(), [&]<typename T>() { input_gradient_pass<T>(g, w, options, gx, convolve<T>); });
}

}  // namespace metron::METRON_ISA
