// Division by an invariant integer: a multiplication and a shift.
#pragma once

#include <metron/core/host_device.h>

#include <bit>
#include <cstdint>

namespace metron::cuda {

// n / divisor for 0 <= n < 2^31 and 1 <= divisor < 2^31. Granlund and Montgomery, "Division by Invariant
// Integers using Multiplication", 1994.
class Divisor {
 public:
  Divisor() = default;
  explicit Divisor(std::int64_t divisor)
      : divisor_(static_cast<std::uint32_t>(divisor)),
        shift_(static_cast<std::uint32_t>(std::bit_width(divisor_ - 1))),
        factor_(
            static_cast<std::uint32_t>((((std::uint64_t{1} << shift_) - divisor_) << 32) / divisor_ + 1)) {}

  METRON_HOST_DEVICE int quotient(int n) const {
    const std::uint32_t dividend = static_cast<std::uint32_t>(n);
    const std::uint32_t high = static_cast<std::uint32_t>(std::uint64_t{dividend} * factor_ >> 32);
    return static_cast<int>((high + dividend) >> shift_);
  }
  METRON_HOST_DEVICE int value() const { return static_cast<int>(divisor_); }

 private:
  std::uint32_t divisor_ = 1;
  std::uint32_t shift_ = 0;
  std::uint32_t factor_ = 1;
};

}  // namespace metron::cuda
