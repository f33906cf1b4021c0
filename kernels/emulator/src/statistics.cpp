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

// Source lines are asked for at the very end: what answers must be destroyed later than this is.
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

std::vector<std::uint64_t> Statistics::choose_blocks(std::uint64_t blocks, unsigned wanted) const {
  const std::uint64_t count =
      std::min<std::uint64_t>(blocks, file_.empty() ? wanted : std::max(wanted, blocks_for_the_file));
  std::vector<std::uint64_t> chosen;
  for (std::uint64_t i = 0; i < count; ++i)  // the last one too, which may have less to do
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
    KernelCounters& told = all.emplace_back();
    told.kernel = name;
    told.launches = kernel.launches;
    told.blocks = kernel.blocks;
    told.counted_blocks = kernel.counts.blocks;
    told.barriers = kernel.counts.barriers;
    told.warp_operations = kernel.counts.warp_operations;
    std::map<std::tuple<std::string, int, std::string>, AccessCounters> lines;
    for (const auto& [site, counters] : kernel.counts.sites) {
      counters_of(told, site) += counters;
      const SourceLine line = source_line(site.code);
      lines[{line.file, line.line, kind_of(site)}] += counters;
    }
    for (const auto& [key, counters] : lines)
      told.lines.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), counters});
    std::stable_sort(told.lines.begin(), told.lines.end(), [](const LineCounters& a, const LineCounters& b) {
      return excess(a.counters) > excess(b.counters);
    });
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
