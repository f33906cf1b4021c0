#include <metron/tools/bench/timing.h>
#include <metron/tools/statistics.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

namespace metron::tools {
namespace {

using Clock = std::chrono::steady_clock;

// Larger than the last cache of any machine that this is likely to meet.
class CacheFlush {
 public:
  void operator()() {
    for (std::size_t i = 0; i < data_.size(); i += 64) data_[i] = static_cast<unsigned char>(data_[i] + 1);
  }

 private:
  std::vector<unsigned char> data_ = std::vector<unsigned char>(std::size_t{128} << 20);
};

double round_ns(const Contestant& contestant, std::int64_t calls) {
  const auto begin = Clock::now();
  contestant(calls);
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
}

// After a first call, which loads and compiles what is to be loaded: how many calls fill a round.
std::int64_t calls_of_a_round(const Contestant& contestant, double wanted_ns) {
  round_ns(contestant, 1);
  std::int64_t calls = 1;
  for (;;) {
    const double taken = round_ns(contestant, calls);
    if (taken >= wanted_ns) return calls;
    const double factor = std::clamp(wanted_ns * 1.2 / std::max(taken, 1.0), 1.5, 20.0);
    calls = static_cast<std::int64_t>(std::ceil(static_cast<double>(calls) * factor));
  }
}

}  // namespace

std::vector<Timing> time_in_turn(std::span<const Contestant> contestants, const TimingOptions& options) {
  std::vector<Timing> timings(contestants.size());
  std::vector<std::vector<double>> samples(contestants.size());
  for (std::size_t i = 0; i < contestants.size(); ++i)
    timings[i].calls = options.flush_cache ? 1 : calls_of_a_round(contestants[i], options.round_s * 1e9);

  std::optional<CacheFlush> flush;
  if (options.flush_cache) flush.emplace();
  const auto end = Clock::now() +
                   std::chrono::duration<double>(options.budget_s * static_cast<double>(contestants.size()));
  for (int round = 0; round < options.least_rounds || Clock::now() < end; ++round) {
    for (std::size_t i = 0; i < contestants.size(); ++i) {
      if (flush) (*flush)();
      samples[i].push_back(round_ns(contestants[i], timings[i].calls) /
                           static_cast<double>(timings[i].calls));
    }
  }
  for (std::size_t i = 0; i < contestants.size(); ++i) {
    Timing& timing = timings[i];
    timing.rounds = static_cast<int>(samples[i].size());
    timing.median_ns = quantile(samples[i], 0.5);
    timing.spread = (quantile(samples[i], 0.75) - quantile(samples[i], 0.25)) / timing.median_ns;
  }
  return timings;
}

}  // namespace metron::tools
