// Times short calls against each other in alternation, round after round, so that interference affects all
// alike.
#pragma once

#include <metron/core/device.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace metron::tools {

struct Timing {
  double median_ns = 0;  // per call
  double spread = 0;     // interquartile range of the rounds, relative to the median
  double host_ns = 0;    // of the host, per call: a median too
  int rounds = 0;
  std::int64_t calls = 0;  // per round
};

// Makes this many calls and waits for the last one.
using Contestant = std::function<void(std::int64_t calls)>;

// The time of all calls of a round.
struct RoundTime {
  double ns = 0, host_ns = 0;
};
RoundTime time_on_host(const Contestant& contestant, std::int64_t calls);

struct TimingOptions {
  double budget_s = 0.3;  // per contestant
  // Calls per round are chosen so that a round takes at least this long and the cost of reading the clock is
  // negligible.
  double round_s = 0.002;
  int least_rounds = 5;
  // Instead one call per round, after the caches of this device were filled with other data.
  std::optional<Device> flush = std::nullopt;
  std::int64_t most_calls = std::int64_t{1} << 40;  // per round
  std::function<RoundTime(const Contestant&, std::int64_t calls)> time_round = time_on_host;
};

std::vector<Timing> time_interleaved(std::span<const Contestant> contestants, const TimingOptions& options);

}  // namespace metron::tools
