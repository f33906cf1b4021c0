// The functions of the oneDNN provider: contracts as in kernels.h, float32 only. Whatever oneDNN has no
// generated code for, or is measured slower at than the portable kernels, is declined.
#pragma once

#include <metron/kernels/kernels.h>

namespace metron::onednn {

bool matmul(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation, Tensor& y);

bool conv2d_forward(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                    Activation activation, Tensor& y);
bool conv2d_backward_input(const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& gx);
bool conv2d_backward_weight(const Tensor& g, const Tensor& x, const Conv2dOptions& options, Tensor& gw,
                            Tensor& gb);

bool avg_pool2d(const Tensor& x, const Pool2dOptions& options, Tensor& y);
bool avg_pool2d_backward(const Tensor& g, const Pool2dOptions& options, Tensor& gx);

bool softmax(const Tensor& x, int axis, bool log, Tensor& y);

bool unary(const Unary& f, const Tensor& x, Tensor& y);
bool unary_backward(const Unary& f, const Tensor& g, const Tensor& x, const Tensor& y, Tensor& gx);

}  // namespace metron::onednn
