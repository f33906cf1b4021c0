// Pooling layers over the last two axes of (N, C, H, W).
#pragma once

#include <metron/core/ops.h>
#include <metron/layers/module.h>

namespace metron {

class MaxPool2d : public Module {
 public:
  explicit MaxPool2d(Size2 kernel, Size2 stride = 0, Size2 padding = 0) : options_{kernel, stride, padding} {}
  Tensor forward(const Tensor& x) override { return max_pool2d(x, options_); }

 private:
  Pool2dOptions options_;
};

class AvgPool2d : public Module {
 public:
  explicit AvgPool2d(Size2 kernel, Size2 stride = 0, Size2 padding = 0) : options_{kernel, stride, padding} {}
  Tensor forward(const Tensor& x) override { return avg_pool2d(x, options_); }

 private:
  Pool2dOptions options_;
};

}  // namespace metron
