// Times short calls against each other: in turn, round after round, so that what disturbs the machine
// disturbs all.
#pragma once

#include <metron/core/device.h>

#include <cstdint>
#include <functional>
#include <optional>
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
  // A round makes so many calls that it takes at least so long, and reading the clock costs nothing beside
  // it.
  double round_s = 0.002;
  int least_rounds = 5;
  // One call a round instead, each after the caches of this device were filled with other data.
  std::optional<Device> flush = std::nullopt;
};

// Makes so many calls and waits for the last of them.
using Contestant = std::function<void(std::int64_t calls)>;

std::vector<Timing> time_in_turn(std::span<const Contestant> contestants, const TimingOptions& options);

}  // namespace metron::tools
