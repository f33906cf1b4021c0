#include <metron/core/ops.h>
#include <metron/layers/init.h>
#include <metron/layers/linear.h>

namespace metron {

Linear::Linear(std::int64_t in_features, std::int64_t out_features, bool with_bias) {
  check<ValueError>(in_features >= 0 && out_features >= 0, "Linear", "features must not be negative, got ",
                    in_features, " and ", out_features);
  weight = make_uniform_parameter({out_features, in_features}, in_features);
  if (with_bias) bias = make_uniform_parameter({out_features}, in_features);
}

void Linear::members(MemberVisitor& visit) {
  visit.parameter("weight", weight);
  visit.parameter("bias", bias);
}

Tensor Linear::forward_with(const Tensor& x, Activation activation) {
  return linear(x, weight, bias, activation);
}

}  // namespace metron
