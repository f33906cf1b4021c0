#include <metron/core/ops.h>
#include <metron/layers/conv.h>
#include <metron/layers/init.h>

namespace metron {

Conv2d::Conv2d(std::int64_t in_channels, std::int64_t out_channels, Size2 kernel,
               const Conv2dOptions& options, bool with_bias)
    : options_(options) {
  const std::int64_t groups = options.groups;
  check<ValueError>(in_channels >= 1 && out_channels >= 1 && kernel.h >= 1 && kernel.w >= 1, "Conv2d",
                    "channels and kernel must be positive, got ", in_channels, ", ", out_channels, " and ",
                    kernel.h, " x ", kernel.w);
  check<ValueError>(groups >= 1 && in_channels % groups == 0 && out_channels % groups == 0, "Conv2d",
                    "channels must be multiples of the groups, got ", in_channels, " and ", out_channels,
                    " in ", groups);
  const std::int64_t fan_in = in_channels / groups * kernel.h * kernel.w;
  weight = make_uniform_parameter({out_channels, in_channels / groups, kernel.h, kernel.w}, fan_in);
  if (with_bias) bias = make_uniform_parameter({out_channels}, fan_in);
}

void Conv2d::members(MemberVisitor& visit) {
  visit.parameter("weight", weight);
  visit.parameter("bias", bias);
}

Tensor Conv2d::forward_with(const Tensor& x, Activation activation) {
  return conv2d(x, weight, bias, options_, activation);
}

}  // namespace metron
