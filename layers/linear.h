// Linear layer.
#pragma once

#include <metron/layers/module.h>

namespace metron {

// (..., in_features) to (..., out_features): x @ weight^T + bias.
class Linear : public EpilogueModule {
 public:
  Linear(std::int64_t in_features, std::int64_t out_features, bool with_bias = true);

  void members(MemberVisitor& visit) override;
  Tensor forward_with(const Tensor& x, Activation activation) override;

  Tensor weight;  // (out_features, in_features)
  Tensor bias;    // (out_features), or undefined
};

}  // namespace metron
