// Which steps of a loop a profiler records.
#pragma once

#include <cstdint>

namespace metron {

// A cycle is `wait` steps at full speed, `warmup` steps recorded but dropped, and `active` recorded steps.
// There are `repeat` cycles. The default records everything until stopped.
struct Schedule {
  std::int64_t wait = 0;
  std::int64_t warmup = 0;
  std::int64_t active = 0;  // 0: unlimited
  std::int64_t repeat = 1;  // 0: unlimited

  enum class Activity : std::uint8_t { waiting, warming_up, recording, done };
  Activity at(std::int64_t step) const;      // 0-based
  bool ends_cycle(std::int64_t step) const;  // whether this is the last active step of its cycle
  void validate() const;                     // ValueError for a negative number
};

}  // namespace metron
