#include <metron/core/parallel.h>
#include <metron/core/tensor.h>
#include <metron/tools/bench/timing.h>
#include <metron/tools/roof_cpu.h>
#include <metron/tools/statistics.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>

namespace metron::tools {
namespace {

using Clock = std::chrono::steady_clock;

// Touches more memory than the caches hold: on the CPU twice the last-level cache, split among the threads,
// but at least each thread's private caches; otherwise, as on a GPU, 256 MiB.
std::int64_t bytes_to_flush(Device device) {
  constexpr std::int64_t mib = 1 << 20;
  const std::int64_t known = device.is_cpu() ? last_level_cache_bytes() : 0;
  return known > 0 ? std::max(2 * known, 8 * mib * num_threads()) : 256 * mib;
}

class CacheFlush {
 public:
  // initialized, as untouched pages all map to one zero page
  explicit CacheFlush(Device device)
      : data_(Tensor::full({bytes_to_flush(device) / 4}, 1, {DType::float32, device})) {}

  void operator()() {
    const Device device = data_.device();
    if (device.is_cpu()) {  // reads: stores may bypass the caches
      const auto* words = static_cast<const std::uint32_t*>(data_.raw_data());
      parallel_for(data_.numel(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
        sum_ += std::accumulate(words + begin, words + end, std::uint32_t{0});
      });
    } else {
      data_.fill_(1);
      backend(device).synchronize(device.index());
    }
  }

 private:
  Tensor data_;
  std::atomic<std::uint32_t> sum_ = 0;  // keeps the reads from being optimized away
};

// The number of calls per round, after a first call for one-time initialization.
std::int64_t calls_per_round(const Contestant& contestant, const TimingOptions& options) {
  options.time_round(contestant, 1);
  const double target_ns = options.flush ? 0 : options.round_s * 1e9;
  std::int64_t calls = 1;
  for (;;) {
    const auto begin = Clock::now();
    options.time_round(contestant, calls);
    const double taken = std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
    if (taken >= target_ns || calls >= options.most_calls) return calls;
    const double factor = std::clamp(target_ns * 1.2 / std::max(taken, 1.0), 1.5, 20.0);
    calls = std::min(static_cast<std::int64_t>(std::ceil(static_cast<double>(calls) * factor)),
                     options.most_calls);
  }
}

}  // namespace

RoundTime time_on_host(const Contestant& contestant, std::int64_t calls) {
  const auto begin = Clock::now();
  contestant(calls);
  const double ns = std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
  return {ns, ns};
}

std::vector<Timing> time_interleaved(std::span<const Contestant> contestants, const TimingOptions& options) {
  std::vector<Timing> timings(contestants.size());
  std::vector<std::vector<double>> samples(contestants.size()), host_samples(contestants.size());
  for (std::size_t i = 0; i < contestants.size(); ++i)
    timings[i].calls = calls_per_round(contestants[i], options);

  std::optional<CacheFlush> flush;
  if (options.flush) flush.emplace(*options.flush);
  const auto end = Clock::now() +
                   std::chrono::duration<double>(options.budget_s * static_cast<double>(contestants.size()));
  for (int round = 0; round < options.least_rounds || Clock::now() < end; ++round) {
    for (std::size_t i = 0; i < contestants.size(); ++i) {
      if (flush) (*flush)();
      const RoundTime taken = options.time_round(contestants[i], timings[i].calls);
      samples[i].push_back(taken.ns / static_cast<double>(timings[i].calls));
      host_samples[i].push_back(taken.host_ns / static_cast<double>(timings[i].calls));
    }
  }
  for (std::size_t i = 0; i < contestants.size(); ++i) {
    Timing& timing = timings[i];
    timing.rounds = static_cast<int>(samples[i].size());
    timing.median_ns = quantile(samples[i], 0.5);
    timing.host_ns = quantile(host_samples[i], 0.5);
    const double range_ns = quantile(samples[i], 0.75) - quantile(samples[i], 0.25);
    timing.spread = timing.median_ns > 0 ? range_ns / timing.median_ns : 0;
  }
  return timings;
}

}  // namespace metron::tools
