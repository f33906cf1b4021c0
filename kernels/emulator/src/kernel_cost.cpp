// The time of a kernel by its launch shape and the accesses of the sampled blocks: device memory at its
// bandwidth, or memory instructions at one per cycle and multiprocessor, whichever takes longer. It knows
// neither the reuse in caches nor arithmetic.
#include <algorithm>
#include <cmath>

#include "launch.h"
#include "timeline.h"

namespace metron::emulator {
namespace {

constexpr double sector_bytes = 32, warp_size = 32, blocks_per_multiprocessor = 32;
constexpr double warps_for_bandwidth = 16;  // per multiprocessor, to keep memory busy

// The parts of the device that a launch keeps busy on average.
struct Use {
  double bandwidth, multiprocessors;
};

Use use_of(const Launch& launch, const DeviceModel& model) {
  const double warps = std::ceil(launch.threads / warp_size), count = model.multiprocessors;
  const double resident = std::clamp(std::floor(model.threads_per_multiprocessor / (warps * warp_size)), 1.0,
                                     blocks_per_multiprocessor);
  const double blocks = static_cast<double>(launch.blocks);
  const double waves = blocks / (resident * count);
  // The last wave is partial. A launch of less than one wave is spread over the multiprocessors.
  const double filled = waves >= 1 ? waves / std::ceil(waves) : 1;
  const double active = std::min(blocks, count);
  const double resident_warps = std::min(blocks, resident * count) * warps;
  return {filled * std::min(1.0, resident_warps / (count * warps_for_bandwidth)), filled * active / count};
}

}  // namespace

std::vector<std::uint64_t> Timeline::sampled_blocks(std::uint64_t blocks) {
  constexpr std::uint64_t most = 16;
  std::vector<std::uint64_t> sampled;
  for (std::uint64_t i = 0; i < std::min(blocks, most); ++i)
    sampled.push_back(blocks <= most ? i : i * (blocks - 2) / (most - 1));
  return sampled;
}

Cost Timeline::kernel(const Launch& launch) const {
  double sectors = 0, instructions = 0;
  for (const auto& [site, counters] : launch.counts.sites) {
    if (!site.shared) sectors += static_cast<double>(counters.transactions);
    instructions += static_cast<double>(site.shared ? counters.transactions : counters.accesses);
  }
  const double counted = static_cast<double>(launch.counts.blocks);
  const double scale = counted > 0 ? static_cast<double>(launch.blocks) / counted : 0;
  const Use use = use_of(launch, model_);
  const double bytes = sectors * sector_bytes * scale;
  const double memory_ns = bytes / (model_.bytes_per_second * use.bandwidth) * 1e9;
  const double issue_ns =
      instructions * scale / (model_.clock_hz * model_.multiprocessors * use.multiprocessors) * 1e9;
  return {Engine::compute, launch.kernel, bytes, model_.launch_ns + std::max(memory_ns, issue_ns)};
}

Cost Timeline::library_call(const std::string& name, double bytes) const {
  return {Engine::compute, name, bytes, model_.launch_ns + bytes / model_.bytes_per_second * 1e9};
}

}  // namespace metron::emulator
