// Normalization layers.
#pragma once

#include <metron/layers/module.h>

namespace metron {

// Normalizes each channel of (N, C, H, W) by batch statistics in training, by running statistics in
// evaluation. forward: ShapeError unless x has rank 4 and the layer's number of channels; in training
// ValueError for a single value per channel.
class BatchNorm2d : public Module {
 public:
  // ShapeError for a negative number of channels; ValueError unless eps is finite and not negative and
  // momentum is in [0, 1].
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

// Normalizes over the last axes, which have the shape `normalized`: LayerNorm({64}). forward: ShapeError if x
// has other last axes.
class LayerNorm : public Module {
 public:
  // ShapeError if `normalized` is empty or has a negative size; ValueError unless eps is finite and not
  // negative.
  explicit LayerNorm(const Shape& normalized, double eps = 1e-5, bool affine = true);

  void members(MemberVisitor& visit) override;
  Tensor forward(const Tensor& x) override;

  Tensor weight, bias;  // of shape `normalized`, or undefined

 private:
  Shape normalized_;
  double eps_;
};

}  // namespace metron
