// Distributions of random numbers over the words of Philox (core/random.h), shared by host and device.
#pragma once

#include <metron/core/random.h>

#include <cmath>
#include <cstdint>

namespace metron::functor {

// Unnamed, so that each instruction set this is compiled for gets its own copy (see cpu/cpu_kernels.h).
namespace {

// The threshold of dropout: an element is kept if (word >> 8) reaches it, exactly where uniform_float(word)
// >= p.
inline std::uint32_t dropout_threshold(double p) { return static_cast<std::uint32_t>(std::ceil(p * 0x1p24)); }

template <typename T>
struct UniformOn {  // [low, high); rounding to nearest alone would reach high
  T low, width, largest;
  UniformOn(double a, double b)
      : low(static_cast<T>(a)),
        width(static_cast<T>(b - a)),
        largest(std::nextafter(static_cast<T>(b), low)) {}
  METRON_HOST_DEVICE T operator()(std::uint32_t word) const {
    const T value =
        std::fma(width, static_cast<T>(uniform_float(word)), low);  // fma: the same bits on every device
    return value > largest ? largest : value;
  }
};
template <typename T>
struct Normal {  // Box and Muller, "A note on the generation of random normal deviates", 1958
  T mean, deviation;
  METRON_HOST_DEVICE T operator()(std::uint32_t word0, std::uint32_t word1) const {
    const T u = 1 - static_cast<T>(uniform_float(word0));  // (0, 1]
    const T angle = T(6.28318530717958647693) * static_cast<T>(uniform_float(word1));
    return mean + deviation * std::sqrt(-2 * std::log(u)) * std::cos(angle);
  }
};

}  // namespace
}  // namespace metron::functor
