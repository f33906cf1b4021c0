// A matrix product with elements of one type, instantiated in matmul_<dtype>.cu.
#pragma once

#include <metron/core/tensor.h>

namespace metron::cuda {

// Same contract as the slot. T is float, double, float16 or bfloat16.
template <typename T>
void multiply(const Tensor& a, const Tensor& b, const Tensor& bias, bool relu, Tensor& y);

}  // namespace metron::cuda
