#include "statistics.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string_view>

#include "device.h"
#include "symbols.h"

namespace metron::emulator {

namespace {

constexpr unsigned blocks_for_the_file = 16;

std::string kind_of(const CodeSite& site) {
  constexpr std::string_view names[] = {" load", " store", " atomic"};
  return (site.shared ? "shared" : "global") + std::string(names[static_cast<int>(site.access)]);
}

AccessCounters& counters_of(KernelCounters& kernel, const CodeSite& site) {
  SpaceCounters& space = site.shared ? kernel.shared : kernel.global;
  return site.access == Access::read    ? space.loads
         : site.access == Access::write ? space.stores
                                        : space.atomics;
}

std::uint64_t excess(const AccessCounters& c) { return c.transactions - c.fewest; }

}  // namespace

// Source lines are resolved at exit: the resolver must outlive this object.
Statistics::Statistics() {
  source_line(0);
  const char* const file = std::getenv("METRON_EMULATOR_COUNTERS");
  if (file == nullptr || *file == '\0') return;
  file_ = file;
  if (!std::ofstream(file_))
    throw std::runtime_error("[emulator] METRON_EMULATOR_COUNTERS names `" + file_ +
                             "`, which cannot be written");
}

Statistics::~Statistics() {
  if (!file_.empty()) std::ofstream(file_) << table(counters());
}

std::vector<std::uint64_t> Statistics::choose_blocks(std::uint64_t blocks, unsigned requested) const {
  const std::uint64_t count =
      std::min<std::uint64_t>(blocks, file_.empty() ? requested : std::max(requested, blocks_for_the_file));
  std::vector<std::uint64_t> chosen;
  for (std::uint64_t i = 0; i < count; ++i)  // includes the last block, which may be partial
    chosen.push_back(count == 1 ? 0 : i * (blocks - 1) / (count - 1));
  return chosen;
}

void Statistics::add(const Launch& launch) {
  for (const auto& [site, count] : launch.barriers)
    barriers_[{launch.kernel, site.first, site.second}] += count;
  if (launch.counted.empty()) return;
  Kernel& kernel = kernels_[launch.kernel];
  ++kernel.launches;
  kernel.blocks += launch.blocks;
  kernel.counts.add(launch.counts);
}

std::vector<KernelCounters> Statistics::counters() const {
  std::vector<KernelCounters> all;
  for (const auto& [name, kernel] : kernels_) {
    KernelCounters& result = all.emplace_back();
    result.kernel = name;
    result.launches = kernel.launches;
    result.blocks = kernel.blocks;
    result.counted_blocks = kernel.counts.blocks;
    result.barriers = kernel.counts.barriers;
    result.warp_operations = kernel.counts.warp_operations;
    std::map<std::tuple<std::string, int, std::string>, AccessCounters> lines;
    for (const auto& [site, counters] : kernel.counts.sites) {
      counters_of(result, site) += counters;
      const SourceLine line = source_line(site.code);
      lines[{line.file, line.line, kind_of(site)}] += counters;
    }
    for (const auto& [key, counters] : lines)
      result.lines.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), counters});
    std::stable_sort(
        result.lines.begin(), result.lines.end(),
        [](const LineCounters& a, const LineCounters& b) { return excess(a.counters) > excess(b.counters); });
  }
  return all;
}

std::vector<BarrierUse> Statistics::barrier_uses() const {
  std::vector<BarrierUse> all;
  for (const auto& [key, count] : barriers_)
    all.push_back({std::get<0>(key), {tidy_path(std::get<1>(key)), std::get<2>(key)}, count});
  return all;
}

std::vector<KernelCounters> counters() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.streams.run_all();
  return device.statistics.counters();
}

void reset_counters() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.streams.run_all();
  device.statistics.reset_counters();
}

std::string counters_table() { return table(counters()); }

std::vector<BarrierUse> barrier_uses() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.streams.run_all();
  return device.statistics.barrier_uses();
}

void reset_barrier_uses() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.streams.run_all();
  device.statistics.reset_barrier_uses();
}

}  // namespace metron::emulator
