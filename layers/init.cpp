#include <metron/core/ops.h>
#include <metron/layers/init.h>

#include <cmath>
#include <utility>

namespace metron {

Tensor make_parameter(Tensor values) {
  values.set_requires_grad();
  return values;
}

Tensor make_uniform_parameter(const Shape& shape, std::int64_t fan_in) {
  const double bound = fan_in == 0 ? 0 : 1 / std::sqrt(static_cast<double>(fan_in));
  return make_parameter(rand_uniform(shape, -bound, bound));
}

}  // namespace metron
