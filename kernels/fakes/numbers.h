// Conversion between elements of any floating type and double.
#pragma once

#include <metron/core/dtype.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace metron::fakes {

template <typename T>
double to_double(T value) {
  if constexpr (std::is_same_v<T, double> || std::is_same_v<T, float>) {
    return static_cast<double>(value);
  } else {
    return static_cast<double>(static_cast<float>(value));
  }
}
template <typename T>
T from_double(double value) {
  if constexpr (std::is_same_v<T, double> || std::is_same_v<T, float>) {
    return static_cast<T>(value);
  } else {
    return T(static_cast<float>(value));
  }
}

// A scaling factor such as alpha, stored as double if `wide`, otherwise as float.
inline double factor(const void* pointer, bool wide) {
  return wide ? *static_cast<const double*>(pointer)
              : static_cast<double>(*static_cast<const float*>(pointer));
}

// value, or alpha * value + beta * old. With beta 0 the old value, possibly NaN, is not read.
template <typename T>
void store(T& to, double value, double alpha, double beta) {
  to = from_double<T>(beta == 0 ? alpha * value : alpha * value + beta * to_double(to));
}

}  // namespace metron::fakes
