// A tensor under the name it has in a module and in a file.
#pragma once

#include <metron/core/tensor.h>

#include <string>

namespace metron {

struct NamedTensor {
  std::string name;  // "conv1.weight"
  Tensor tensor;
};

}  // namespace metron
