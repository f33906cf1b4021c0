#include <metron/core/tensor.h>
#include <metron/kernels/providers.h>
#include <metron/tools/roof.h>
#include <metron/tools/roof_cpu.h>

#include <algorithm>
#include <chrono>
#include <functional>

namespace metron::tools {
namespace {

using Clock = std::chrono::steady_clock;

// The best time in seconds of several runs on a device. The first, which loads the kernel, does not count.
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
  return {flops / computing * 1e-9, 2.0 * static_cast<double>(source.bytes()) / copying * 1e-9, 0};
}

}  // namespace

Roofs measure_roofs(Device device) {
  if (device.is_cpu()) return {cpu_gflops(), cpu_gbytes(), static_cast<double>(last_level_cache_bytes())};
  return backend(device).is_emulated() ? Roofs{} : measure_device_roofs(device);
}

const char* name_of(RoofKind kind) {
  constexpr const char* names[] = {"", "compute", "memory", "cached"};
  return names[static_cast<std::size_t>(kind)];
}

RoofShare roof_share(const Roofs& roofs, double flops, double bytes, double time_ns, double working_set) {
  const double by_flops = roofs.gflops > 0 ? flops / roofs.gflops : 0;
  const double by_bytes = roofs.gbytes > 0 ? bytes / roofs.gbytes : 0;
  if (time_ns <= 0 || std::max(by_flops, by_bytes) <= 0) return {};
  if (by_flops >= by_bytes) return {RoofKind::compute, by_flops / time_ns};
  const bool fits = roofs.cache_bytes > 0 && working_set <= roofs.cache_bytes;
  return {fits || by_bytes > time_ns ? RoofKind::cached : RoofKind::memory, by_bytes / time_ns};
}

}  // namespace metron::tools
