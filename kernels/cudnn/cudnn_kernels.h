// The functions of the provider `cudnn`, one file a family. The contracts are those of kernels.h.
#pragma once

#include <metron/kernels/kernels.h>

namespace metron::cudnn {

bool conv2d_forward(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                    Activation activation, Tensor& y);
bool conv2d_backward_input(const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& gx);
bool conv2d_backward_weight(const Tensor& g, const Tensor& x, const Conv2dOptions& options, Tensor& gw,
                            Tensor& gb);
bool max_pool2d(const Tensor& x, const Pool2dOptions& options, Tensor& y, Tensor& indices);
bool avg_pool2d(const Tensor& x, const Pool2dOptions& options, Tensor& y);
bool softmax(const Tensor& x, int axis, bool log, Tensor& y);
bool softmax_backward(const Tensor& g, const Tensor& y, int axis, bool log, Tensor& gx);
bool batch_norm(const Tensor& x, const Tensor& w, const Tensor& b, bool batch_statistics, double eps,
                Tensor& mean, Tensor& variance, Tensor& y);
bool batch_norm_backward(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                         const Tensor& variance, bool batch_statistics, double eps, Tensor& gx, Tensor& gw,
                         Tensor& gb);

}  // namespace metron::cudnn
