// What values of type T are added up in.
#pragma once

#include <metron/core/dtype.h>

#include <type_traits>

namespace metron::cuda {

template <typename T>
using Accumulator = std::conditional_t<std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>, float, T>;

}  // namespace metron::cuda
