// Linear layer.
#pragma once

#include <metron/layers/module.h>

namespace metron {

// (..., in_features) to (..., out_features): x @ weight^T + bias. forward: errors of linear() in core/ops.h,
// such as ShapeError unless the last axis of x has in_features elements.
class Linear : public EpilogueModule {
 public:
  // ValueError for negative sizes.
  Linear(std::int64_t in_features, std::int64_t out_features, bool with_bias = true);

  void members(MemberVisitor& visit) override;
  Tensor forward_with(const Tensor& x, Activation activation) override;

  Tensor weight;  // (out_features, in_features)
  Tensor bias;    // (out_features), or undefined
};

}  // namespace metron
