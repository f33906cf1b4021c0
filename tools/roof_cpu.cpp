// Threads are started once and measure many short rounds, so that some rounds run undisturbed at full clock
// even on a busy machine. A single long round per thread includes interference: its peak is a tenth below
// what a convolution achieves.
#include <metron/core/numbers.h>
#include <metron/core/parallel.h>
#include <metron/tools/roof_cpu.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace metron::tools {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Runs work(thread, barrier of all) on all compute threads at once.
void on_all_threads(const std::function<void(std::size_t, std::barrier<>&)>& work) {
  const auto count = static_cast<std::size_t>(num_threads());
  std::barrier<> all(static_cast<std::ptrdiff_t>(count));
  std::vector<std::jthread> others;
  for (std::size_t thread = 1; thread < count; ++thread)
    others.emplace_back([&, thread] { work(thread, all); });
  work(0, all);
}

// ---- Multiply-adds

// Two FMA units with a latency of 4 or 5 cycles need at least ten chains. Sixteen registers hold twelve and
// the two factors.
constexpr int chains = 12;

using Vec16 [[gnu::vector_size(16)]] = float;
using Vec32 [[gnu::vector_size(32)]] = float;
using Vec64 [[gnu::vector_size(64)]] = float;

// Multiply-adds in registers for a tenth of a millisecond or two; returns the floating-point operations.
template <typename Vec>
[[gnu::always_inline]] inline double multiply_add_chains(float* sink) {
  constexpr int rounds = 1 << 15;
  Vec sums[chains];
  for (int i = 0; i < chains; ++i) sums[i] = Vec{} + static_cast<float>(i);
  Vec factor = Vec{} + sink[0], term = Vec{} + sink[1];
  for (int round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) sums[i] = sums[i] * factor + term;
    asm volatile("" : "+x"(factor), "+x"(term));  // keeps the loop from being folded into a closed form
  }
  for (const Vec& sum : sums) sink[2] += sum[0];
  return 2.0 * chains * rounds * (sizeof(Vec) / sizeof(float));
}

using Chains = double (*)(float*);
#if defined(__x86_64__)
[[gnu::target("avx512f")]] double chains_avx512(float* sink) { return multiply_add_chains<Vec64>(sink); }
[[gnu::target("avx2,fma")]] double chains_avx2(float* sink) { return multiply_add_chains<Vec32>(sink); }
#endif
double chains_baseline(float* sink) { return multiply_add_chains<Vec16>(sink); }

// The sum of each thread's best round while all compute concurrently.
double measure_gflops(Chains run) {
  std::vector<double> best(static_cast<std::size_t>(num_threads()));
  on_all_threads([&](std::size_t thread, std::barrier<>& all) {
    constexpr double duration = 0.06;
    float sink[3] = {0.5f, 0.25f, 0};
    all.arrive_and_wait();
    const auto start = Clock::now();
    while (seconds_since(start) < duration) {
      const auto begin = Clock::now();
      const double flops = run(sink);
      best[thread] = std::max(best[thread], flops / seconds_since(begin));
    }
  });
  return std::accumulate(best.begin(), best.end(), 0.0) * 1e-9;
}

// ---- Memory

constexpr std::size_t chunk = std::size_t{1} << 20;  // of 8 bytes, per thread and round

std::atomic<std::uint64_t> sum_of_all;  // keeps the reads from being optimized away

std::uint64_t read(const std::uint64_t* source) {
  return std::accumulate(source, source + chunk, std::uint64_t{0});
}

// No memcpy: some implementations choose instructions that reach half the bandwidth.
void copy(const std::uint64_t* source, std::uint64_t* target) {
  for (std::size_t i = 0; i < chunk; ++i) target[i] = source[i] + 1;
}

// The best round of all threads together. Each thread allocates its own memory, for NUMA locality; in total
// several times the cache size.
double measure_gbytes(bool copies) {
  const auto threads = static_cast<std::size_t>(num_threads());
  const std::size_t caches = static_cast<std::size_t>(last_level_cache_bytes());
  const std::size_t bytes = caches == 0 ? std::size_t{64} << 20 : 4 * caches / threads;
  const std::size_t chunks = std::max(bytes / (chunk * sizeof(std::uint64_t)), std::size_t{2});
  double best = 1e9;
  bool done = false;
  on_all_threads([&](std::size_t thread, std::barrier<>& all) {
    constexpr double duration = 0.12;
    std::vector<std::uint64_t> source(chunks * chunk, 1), target(copies ? chunks * chunk : 0, 1);
    std::uint64_t sum = 0;
    const auto start = Clock::now();
    for (std::size_t round = 0;; ++round) {
      all.arrive_and_wait();
      if (done) break;
      const auto begin = Clock::now();
      const std::size_t offset = round % chunks * chunk;
      if (copies) {
        copy(source.data() + offset, target.data() + offset);
      } else {
        sum += read(source.data() + offset);
      }
      all.arrive_and_wait();
      if (thread != 0) continue;
      best = std::min(best, seconds_since(begin));
      done = round >= 2 * chunks && seconds_since(start) > duration;
    }
    sum_of_all += sum;
  });
  const std::size_t transferred = chunk * sizeof(std::uint64_t) * (copies ? 2 : 1);
  return static_cast<double>(transferred * threads) / best * 1e-9;
}

std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

double cpu_gflops() {
  double best = measure_gflops(chains_baseline);
#if defined(__x86_64__)  // wider is not always faster: a processor may lower its clock for it
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    best = std::max(best, measure_gflops(chains_avx2));
  if (__builtin_cpu_supports("avx512f")) best = std::max(best, measure_gflops(chains_avx512));
#endif
  return best;
}

double cpu_gbytes() { return std::max(measure_gbytes(false), measure_gbytes(true)); }

// From /sys/devices/system/cpu/cpu0/cache/index3: level "3", size "32768K", shared_cpu_list "0-7".
std::int64_t last_level_cache_bytes() {
  cpu_set_t usable;
  if (sched_getaffinity(0, sizeof usable, &usable) != 0) return 0;
  std::map<std::string, std::map<std::string, std::int64_t>>
      levels;  // by level: the sharing processors and the size
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &usable)) continue;
    const std::filesystem::path caches = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache";
    for (int index = 0; std::filesystem::exists(caches / ("index" + std::to_string(index))); ++index) {
      const auto cache = caches / ("index" + std::to_string(index));
      std::string size = first_line(cache / "size");
      if (size.empty() || size.back() != 'K') continue;
      size.pop_back();
      levels[first_line(cache / "level")][first_line(cache / "shared_cpu_list")] =
          parse_number<std::int64_t>(size).value_or(0) * 1024;
    }
  }
  std::int64_t bytes = 0;
  if (!levels.empty()) {
    for (const auto& [sharers, size] : levels.rbegin()->second) bytes += size;
  }
  return bytes;
}

}  // namespace metron::tools
