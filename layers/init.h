// How parameters begin.
#pragma once

#include <metron/core/tensor.h>

#include <cstdint>

namespace metron {

// These values as a leaf that requires a gradient.
Tensor make_parameter(Tensor values);

// Uniform on [-1/sqrt(fan_in), 1/sqrt(fan_in)]: what PyTorch's Conv2d and Linear begin with, there called
// Kaiming uniform with a = sqrt(5).
Tensor make_uniform_parameter(const Shape& shape, std::int64_t fan_in);

}  // namespace metron
