// Activation layers.
#pragma once

#include <metron/core/ops.h>
#include <metron/layers/module.h>

namespace metron {

class ReLU final : public Module {  // final, because Sequential fuses exactly this type
 public:
  Tensor forward(const Tensor& x) override { return relu(x); }
};

class GELU : public Module {
 public:
  Tensor forward(const Tensor& x) override { return gelu(x); }
};

class LogSoftmax : public Module {
 public:
  explicit LogSoftmax(std::int64_t axis = -1) : axis_(axis) {}
  Tensor forward(const Tensor& x) override { return log_softmax(x, axis_); }

 private:
  std::int64_t axis_;
};

}  // namespace metron
