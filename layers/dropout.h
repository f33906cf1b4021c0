// Dropout layers. The identity in evaluation mode.
#pragma once

#include <metron/core/ops.h>
#include <metron/layers/module.h>

namespace metron {

// Drops each element with probability p. ValueError unless p is in [0, 1].
class Dropout : public Module {
 public:
  explicit Dropout(double p = 0.5);
  Tensor forward(const Tensor& x) override { return dropout(x, p_, training()); }

 private:
  double p_;
};

// Drops channels of (N, C, H, W), elements of (N, C).
class Dropout2d : public Module {
 public:
  explicit Dropout2d(double p = 0.5);
  Tensor forward(const Tensor& x) override { return dropout2d(x, p_, training()); }

 private:
  double p_;
};

}  // namespace metron
