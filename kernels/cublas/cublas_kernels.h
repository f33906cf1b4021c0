// The functions of the provider `cublas`. The contracts are those of kernels.h.
#pragma once

#include <metron/kernels/kernels.h>

namespace metron::cublas {

bool matmul(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation, Tensor& y);
bool linear_backward_weight(const Tensor& g, const Tensor& x, Tensor& gw, Tensor& gb);

}  // namespace metron::cublas
