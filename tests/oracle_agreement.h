// Comparison with a result of the oracle, element by element, within multiples of its rounding bounds.
#pragma once

#include <gtest/gtest.h>

#include "oracle_cases.h"

namespace metron::test {

// The dtype in which a result is compared.
struct Precision {
  DType dtype;
  double tolerance;  // in multiples of the bounds
};

// A failure reports the first element beyond its bound.
testing::AssertionResult agrees(const op_cases::naive::Array& got, const OracleResult& want, Precision p);

}  // namespace metron::test
