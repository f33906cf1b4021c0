// Convolution layers.
#pragma once

#include <metron/layers/module.h>

namespace metron {

// 2-D cross-correlation of (N, C, H, W).
class Conv2d : public EpilogueModule {
 public:
  // ValueError unless channels and kernel are positive and groups divides both channel counts.
  Conv2d(std::int64_t in_channels, std::int64_t out_channels, Size2 kernel, const Conv2dOptions& options = {},
         bool with_bias = true);

  void members(MemberVisitor& visit) override;
  Tensor forward_with(const Tensor& x, Activation activation) override;

  Tensor weight;  // (out_channels, in_channels / groups, KH, KW)
  Tensor bias;    // (out_channels), or undefined

 private:
  Conv2dOptions options_;
};

}  // namespace metron
