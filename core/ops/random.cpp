// Tensors of random numbers.
#include <metron/core/ops/common.h>

#include <cmath>

namespace metron {
namespace {

Tensor draw(const char* name, Distribution distribution, double a, double b, const Shape& shape,
            TensorOptions options) {
  const OpScope scope(name);
  Tensor y = Tensor::empty(shape, options);
  kernel::random(distribution, a, b, next_philox_key(), y);
  return y;
}

void check_dtype(const char* name, DType dtype) {
  check<DTypeError>(is_floating(dtype), name, "expects a floating dtype, got ", dtype);
}

bool is_finite(double value, DType dtype) { return std::isfinite(rounded_to(dtype, value)); }

}  // namespace

Tensor rand_uniform(const Shape& shape, double low, double high, TensorOptions options) {
  const DType dtype = options.dtype;
  check_dtype("rand_uniform", dtype);
  check<ValueError>(std::isfinite(low) && std::isfinite(high) && low <= high, "rand_uniform",
                    "expects finite bounds with low <= high, got ", low, " and ", high);
  const DType computed = dtype == DType::float64 ? dtype : DType::float32;
  check<ValueError>(is_finite(low, dtype) && is_finite(high, dtype) && is_finite(high - low, computed),
                    "rand_uniform", "the bounds and their difference must be finite in ", dtype, ", got ",
                    low, " and ", high);
  check<ValueError>(low == high || rounded_to(dtype, low) < high, "rand_uniform", "no ", dtype,
                    " lies between the bounds ", low, " and ", high);
  return draw("rand_uniform", Distribution::uniform, low, high, shape, options);
}

Tensor rand_normal(const Shape& shape, double mean, double deviation, TensorOptions options) {
  const DType dtype = options.dtype;
  check_dtype("rand_normal", dtype);
  check<ValueError>(is_finite(mean, dtype) && is_finite(deviation, dtype) && deviation >= 0, "rand_normal",
                    "expects a mean and a deviation of at least 0 that are finite in ", dtype, ", got ", mean,
                    " and ", deviation);
  return draw("rand_normal", Distribution::normal, mean, deviation, shape, options);
}

}  // namespace metron
