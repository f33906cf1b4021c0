// Flatten: merges the axes from `first` to `last`; by default all but the batch axis.
#pragma once

#include <metron/core/ops.h>
#include <metron/layers/module.h>

namespace metron {

class Flatten : public Module {
 public:
  explicit Flatten(std::int64_t first = 1, std::int64_t last = -1) : first_(first), last_(last) {}
  Tensor forward(const Tensor& x) override { return flatten(x, first_, last_); }

 private:
  std::int64_t first_;
  std::int64_t last_;
};

}  // namespace metron
