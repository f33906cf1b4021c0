// A tensor with its name in a module or file.
#pragma once

#include <metron/core/tensor.h>

#include <string>

namespace metron {

struct NamedTensor {
  std::string name;  // "conv1.weight"
  Tensor tensor;
};

}  // namespace metron
