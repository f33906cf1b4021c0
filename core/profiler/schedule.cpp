#include <metron/core/error.h>
#include <metron/core/profiler/schedule.h>

namespace metron {

Schedule::Activity Schedule::at(std::int64_t step) const {
  const std::int64_t cycle = wait + warmup + active;
  if (active > 0) {
    if (repeat > 0 && step / cycle >= repeat) return Activity::done;
    step %= cycle;
  }
  if (step < wait) return Activity::waiting;
  return step < wait + warmup ? Activity::warming_up : Activity::recording;
}

bool Schedule::ends_cycle(std::int64_t step) const {
  return active > 0 && at(step) == Activity::recording && (step + 1) % (wait + warmup + active) == 0;
}

void Schedule::validate() const {
  constexpr std::int64_t limit = std::int64_t{1} << 60;  // prevents overflow of sums
  const auto fits = [](std::int64_t number) { return number >= 0 && number < limit; };
  check<ValueError>(fits(wait) && fits(warmup) && fits(active) && fits(repeat), "schedule",
                    "wait, warmup, active and repeat must not be negative, got ", wait, ", ", warmup, ", ",
                    active, " and ", repeat);
}

}  // namespace metron
