// Normalization layers.
#pragma once

#include <metron/layers/module.h>

namespace metron {

// Normalizes each channel of (N, C, H, W) by batch statistics in
// training, by running statistics in evaluation.
class BatchNorm2d : public Module {
 public:
  explicit BatchNorm2d(std::int64_t channels, double eps = 1e-5, double momentum = 0.1, bool affine = true);

  void members(MemberVisitor& visit) override;
  Tensor forward(const Tensor& x) override;

  Tensor weight, bias;               // (C), or undefined
  Tensor running_mean, running_var;  // (C)
  Tensor num_batches_tracked;        // () int64

 private:
  double eps_;
  double momentum_;
};

// Normalizes over the last axes, which have the shape `normalized`: LayerNorm({64}).
class LayerNorm : public Module {
 public:
  explicit LayerNorm(const Shape& normalized, double eps = 1e-5, bool affine = true);

  void members(MemberVisitor& visit) override;
  Tensor forward(const Tensor& x) override;

  Tensor weight, bias;  // of shape `normalized`, or undefined

 private:
  Shape normalized_;
  double eps_;
};

}  // namespace metron
