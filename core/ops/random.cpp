// Tensors of random numbers.
#include <metron/core/ops/common.h>

#include <cmath>

namespace metron {
namespace {

Tensor draw(const char* name, Distribution distribution, double a, double b, const Shape& shape,
            TensorOptions options) {
  const OpScope scope(name);
  check<DTypeError>(is_floating(options.dtype), name, "expects a floating dtype, got ", options.dtype);
  Tensor y = Tensor::empty(shape, options);
  kernel::random(distribution, a, b, next_philox_key(), y);
  return y;
}

}  // namespace

Tensor rand_uniform(const Shape& shape, double low, double high, TensorOptions options) {
  check<ValueError>(std::isfinite(low) && std::isfinite(high) && low <= high, "rand_uniform",
                    "expects finite bounds with low <= high, got ", low, " and ", high);
  return draw("rand_uniform", Distribution::uniform, low, high, shape, options);
}

Tensor rand_normal(const Shape& shape, double mean, double deviation, TensorOptions options) {
  check<ValueError>(std::isfinite(mean) && std::isfinite(deviation) && deviation >= 0, "rand_normal",
                    "expects a finite mean and a deviation of at least 0, got ", mean, " and ", deviation);
  return draw("rand_normal", Distribution::normal, mean, deviation, shape, options);
}

}  // namespace metron
