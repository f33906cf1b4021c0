// Times short calls against each other: in turn, round after round, so that what disturbs the machine
// disturbs all.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace metron::tools {

struct Timing {
  double median_ns = 0;  // of a call
  double spread = 0;     // between the quartiles of the rounds, as a fraction of the median
  int rounds = 0;
  std::int64_t calls = 0;  // in each round
};

struct TimingOptions {
  double budget_s = 0.3;  // for each contestant
  double round_s =
      0.002;  // a round takes at least so long, so that reading the clock costs nothing beside it
  int least_rounds = 5;
  bool flush_cache = false;  // one call a round, each after the caches were filled with other data
};

// Makes so many calls and waits for the last of them.
using Contestant = std::function<void(std::int64_t calls)>;

std::vector<Timing> time_in_turn(std::span<const Contestant> contestants, const TimingOptions& options);

}  // namespace metron::tools
