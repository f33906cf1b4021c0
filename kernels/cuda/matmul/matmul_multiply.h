// A matrix product of elements of one type: defined for each by a file of its own, matmul_<dtype>.cu.
#pragma once

#include <metron/core/tensor.h>

namespace metron::cuda {

// As the slot's contract says. T is float, double, float16 or bfloat16.
template <typename T>
void multiply(const Tensor& a, const Tensor& b, const Tensor& bias, bool relu, Tensor& y);

}  // namespace metron::cuda
