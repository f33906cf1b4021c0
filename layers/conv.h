// Convolution layers.
#pragma once

#include <metron/layers/module.h>

namespace metron {

// Cross-correlation of (N, C, H, W) with `out_channels` learned kernels.
class Conv2d : public EpilogueModule {
 public:
  // ValueError unless the channels are positive and divide into the groups, and the kernel has an extent.
  Conv2d(std::int64_t in_channels, std::int64_t out_channels, Size2 kernel, const Conv2dOptions& options = {},
         bool with_bias = true);

  void members(MemberVisitor& visit) override;
  Tensor forward_with(const Tensor& x, Activation activation) override;

  Tensor weight;  // (out_channels, in_channels / groups, KH, KW)
  Tensor bias;    // (out_channels), or none

 private:
  Conv2dOptions options_;
};

}  // namespace metron
