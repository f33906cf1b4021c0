// Which steps of a loop a profiler records.
#pragma once

#include <cstdint>

namespace metron {

// In turn `wait` steps at full speed, `warmup` steps recorded and thrown away, `active` steps that are kept;
// all that `repeat` times. The default records everything and never ends by itself.
struct Schedule {
  std::int64_t wait = 0;
  std::int64_t warmup = 0;
  std::int64_t active = 0;  // 0: all that follow
  std::int64_t repeat = 1;  // 0: for ever

  enum class Activity : std::uint8_t { waiting, warming_up, recording, done };
  Activity at(std::int64_t step) const;      // counted from 0
  bool ends_cycle(std::int64_t step) const;  // the step is the last of its cycle's active ones
  void validate() const;                     // ValueError for a negative number
};

}  // namespace metron
