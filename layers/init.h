// Initialization of parameters.
#pragma once

#include <metron/core/tensor.h>

#include <cstdint>

namespace metron {

// A leaf with these values that requires a gradient.
Tensor make_parameter(Tensor values);

// Uniform on [-1/sqrt(fan_in), 1/sqrt(fan_in)]: the default of PyTorch's Conv2d and Linear, which is Kaiming
// uniform with a = sqrt(5).
Tensor make_uniform_parameter(const Shape& shape, std::int64_t fan_in);

}  // namespace metron
