// Floating dtypes in kernels.
#pragma once

#include <metron/core/dtype.h>

#include <type_traits>

namespace metron::cuda {

template <typename T>
inline constexpr bool is_half = std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>;

// The type that elements of type T are computed in.
template <typename T>
using Real = std::conditional_t<is_half<T>, float, T>;

// Calls body.operator()<T>() for a floating dtype. Returns false for any other dtype.
template <typename Body>
bool visit_floating(DType dtype, const Body& body) {
  return visit_dtype<float, double, float16, bfloat16>(dtype, body);
}

}  // namespace metron::cuda
