// The value of an element of any dtype, whose 16-bit ones convert to float alone.
#pragma once

#include <metron/core/dtype.h>

#include <type_traits>

namespace metron::detail {

template <typename T>
double as_double(T value) {
  if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>) {
    return static_cast<float>(value);
  } else {
    return static_cast<double>(value);
  }
}

}  // namespace metron::detail
