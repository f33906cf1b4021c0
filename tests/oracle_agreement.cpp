#include "oracle_agreement.h"

#include <metron/core/dtype.h>

#include <cmath>
#include <cstddef>

namespace metron::test {
namespace {

// Half the distance of 1 to the next number: the largest relative error of a rounding.
double unit_roundoff(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return 0x1p-24;
    case DType::float64:
      return 0x1p-53;
    case DType::float16:
      return 0x1p-11;
    case DType::bfloat16:
      return 0x1p-8;
    default:
      return 0;
  }
}

double smallest(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return 0x1p-149;
    case DType::float64:
      return 0x1p-1074;
    case DType::float16:
      return 0x1p-24;
    case DType::bfloat16:
      return 0x1p-133;
    default:
      return 0;
  }
}

// A result beyond the range is infinite. In float64 the oracle has the same rounding errors once more.
bool is_close(double got, double want, double bound, Precision p) {
  if (got == want || (std::isnan(got) && std::isnan(want))) return true;
  if (bound == 0) return false;
  if (got == rounded_to(p.dtype, want)) return true;
  const double multiple = p.tolerance + (p.dtype == DType::float64 ? 1 : 0);
  return std::abs(got - want) <= multiple * (unit_roundoff(p.dtype) * bound + smallest(p.dtype));
}

}  // namespace

testing::AssertionResult agrees(const op_cases::naive::Array& got, const OracleResult& want, Precision p) {
  if (got.shape != want.values.shape)
    return testing::AssertionFailure() << "the shape is " << got.shape << " instead of " << want.values.shape;
  for (std::size_t i = 0; i < got.data.size(); ++i) {
    const double bound = want.bounds.empty() ? 0 : want.bounds[i];
    if (!is_close(got.data[i], want.values.data[i], bound, p))
      return testing::AssertionFailure()
             << "element " << i << " of " << got.shape << " is " << got.data[i] << " instead of "
             << want.values.data[i] << ", a difference of "
             << std::abs(got.data[i] - want.values.data[i]) / (unit_roundoff(p.dtype) * bound)
             << " times the rounding bound, tolerance " << p.tolerance;
  }
  return testing::AssertionSuccess();
}

}  // namespace metron::test
