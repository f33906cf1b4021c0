#include <metron/core/parallel.h>
#include <metron/core/tensor.h>
#include <metron/kernels/providers.h>
#include <metron/tools/roof.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace metron::tools {
namespace {

using Clock = std::chrono::steady_clock;

// Runs work(thread) on all computing threads at once, several times; the best of them, in seconds.
double best_seconds(int rounds, const std::function<void(int)>& work) {
  double best = 1e9;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = Clock::now();
    std::vector<std::jthread> others;
    for (int thread = 1; thread < num_threads(); ++thread) others.emplace_back(work, thread);
    work(0);
    others.clear();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

constexpr std::int64_t fma_rounds = std::int64_t{1} << 22;
// Two units of a latency of 4 or 5 cycles need at least ten chains; sixteen registers hold twelve and the two
// factors.
constexpr int chains = 12;

using Vec16 [[gnu::vector_size(16)]] = float;
using Vec32 [[gnu::vector_size(32)]] = float;
using Vec64 [[gnu::vector_size(64)]] = float;

// Multiply-adds on registers alone; returns the floating-point operations done.
template <typename Vec>
[[gnu::always_inline]] inline double multiply_add_chains(float* sink) {
  Vec sums[chains];
  for (int i = 0; i < chains; ++i) sums[i] = Vec{} + static_cast<float>(i);
  Vec factor = Vec{} + sink[0], term = Vec{} + sink[1];
  for (std::int64_t round = 0; round < fma_rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) sums[i] = sums[i] * factor + term;
    asm volatile("" : "+x"(factor), "+x"(term));  // the loop must not be folded into a formula
  }
  for (const Vec& sum : sums) sink[2] += sum[0];
  return 2.0 * chains * fma_rounds * (sizeof(Vec) / sizeof(float));
}

#if defined(__x86_64__)
[[gnu::target("avx512f")]] double chains_avx512(float* sink) { return multiply_add_chains<Vec64>(sink); }
[[gnu::target("avx2,fma")]] double chains_avx2(float* sink) { return multiply_add_chains<Vec32>(sink); }
#endif
double chains_baseline(float* sink) { return multiply_add_chains<Vec16>(sink); }

double measure_gflops() {
  double (*run)(float*) = chains_baseline;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) run = chains_avx2;
  if (__builtin_cpu_supports("avx512f")) run = chains_avx512;
#endif
  double flops = 0;
  const double seconds = best_seconds(5, [&](int thread) {
    float sink[3] = {0.5f, 0.25f, 0};
    const double done = run(sink);
    if (thread == 0) flops = done;
  });
  return flops * num_threads() / seconds * 1e-9;
}

double measure_gbytes() {
  constexpr std::size_t bytes = std::size_t{64}
                                << 20;  // beyond the caches that a thread could claim for itself
  std::vector<std::unique_ptr<std::byte[]>> sources, targets;
  for (int thread = 0; thread < num_threads(); ++thread) {
    sources.push_back(std::make_unique<std::byte[]>(bytes));
    targets.push_back(std::make_unique<std::byte[]>(bytes));
  }
  const double seconds = best_seconds(5, [&](int thread) {
    const auto t = static_cast<std::size_t>(thread);
    std::memcpy(targets[t].get(), sources[t].get(), bytes);
  });
  return 2.0 * static_cast<double>(bytes) * num_threads() / seconds * 1e-9;
}

// The best of several runs of work that a device is given, in seconds; the first, which loads the kernel,
// does not count.
double best_seconds_on(Device device, const std::function<void()>& work) {
  Backend& on = backend(device);
  double best = 1e9;
  for (int round = 0; round < 6; ++round) {
    on.synchronize(device.index());
    const auto begin = Clock::now();
    work();
    on.synchronize(device.index());
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    if (round > 0) best = std::min(best, seconds);
  }
  return best;
}

Roofs measure_device_roofs(Device device) {
  constexpr std::int64_t rounds = std::int64_t{1} << 16;    // milliseconds: a launch takes microseconds
  constexpr std::int64_t elements = std::int64_t{1} << 26;  // 256 MiB: beyond the second-level caches
  double flops = 0;
  const double computing = best_seconds_on(device, [&] { flops = multiply_adds(device, rounds); });
  const Tensor source = Tensor::zeros({elements}, {DType::float32, device});
  Tensor target = Tensor::empty({elements}, {DType::float32, device});
  const double copying = best_seconds_on(device, [&] { target.copy_(source); });
  return {flops / computing * 1e-9, 2.0 * static_cast<double>(source.bytes()) / copying * 1e-9};
}

}  // namespace

Roofs measure_roofs(Device device) {
  if (device.is_cpu()) return {measure_gflops(), measure_gbytes()};
  return backend(device).is_emulated() ? Roofs{} : measure_device_roofs(device);
}

double floor_ns(const Roofs& roofs, double flops, double bytes) {
  const double by_flops = roofs.gflops > 0 ? flops / roofs.gflops : 0;
  const double by_bytes = roofs.gbytes > 0 ? bytes / roofs.gbytes : 0;
  return std::max(by_flops, by_bytes);
}

}  // namespace metron::tools
