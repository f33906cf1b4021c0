// Distributions of random numbers over the words of Philox (core/random.h), shared by host and device.
#pragma once

#include <metron/core/dtype.h>
#include <metron/core/random.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>

namespace metron::functor {

// Unnamed, so that each instruction set this is compiled for gets its own copy (see cpu/cpu_kernels.h).
namespace {

// The threshold of dropout: an element is kept if (word >> 8) reaches it, exactly where uniform_float(word)
// >= p.
inline std::uint32_t dropout_threshold(double p) { return static_cast<std::uint32_t>(std::ceil(p * 0x1p24)); }

// The largest element of type T below `high`, if there is any between it and `low`.
template <typename T>
inline double largest_below(double low, double high) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<double>(std::nextafter(static_cast<T>(high), static_cast<T>(low)));
  } else {
    const auto value_of = [](T x) { return static_cast<double>(static_cast<float>(x)); };
    T largest(high);
    if (value_of(largest) >= high) {
      const auto steps_up = [](std::uint16_t bits) { return (bits & 0x8000u) != 0; };  // towards -infinity
      largest.bits = value_of(largest) == 0
                         ? std::uint16_t{0x8001}
                         : static_cast<std::uint16_t>(largest.bits + (steps_up(largest.bits) ? 1 : -1));
    }
    return (std::max)(value_of(largest), value_of(T(low)));
  }
}

// Formulas of uniform numbers in [0, 1): of uniform_float for float, of uniform_double for double.
template <typename T>
struct UniformOn {  // [low, high); rounding to nearest alone would reach high
  T low, width, largest;
  // `most` is largest_below of the elements' type.
  UniformOn(double a, double b, double most)
      : low(static_cast<T>(a)), width(static_cast<T>(b - a)), largest(static_cast<T>(most)) {}
  METRON_HOST_DEVICE T operator()(T unit) const {
    const T value = std::fma(width, unit, low);  // fma: the same bits on every device
    return value > largest ? largest : value;
  }
};
template <typename T>
struct Normal {  // Box and Muller, "A note on the generation of random normal deviates", 1958
  T mean, deviation;
  METRON_HOST_DEVICE T operator()(T unit0, T unit1) const {
    const T u = 1 - unit0;  // (0, 1]
    const T angle = T(6.28318530717958647693) * unit1;
    return mean + deviation * std::sqrt(-2 * std::log(u)) * std::cos(angle);
  }
};

}  // namespace
}  // namespace metron::functor
