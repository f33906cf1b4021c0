#include <metron/core/profiler/ranking.h>
#include <metron/core/timer/profile_range.h>
#include <metron/tools/bench/device_rounds.h>

#include <algorithm>

namespace metron::tools {
namespace {

constexpr char timed_range[] = "timed calls";

}  // namespace

DeviceRounds::DeviceRounds(Device device)
    : device_(device),
      clock_(*metron::detail::device_clock(device.type())),
      profiler_({.active = 1, .repeat = 0}, [this](const Profiler& cycle) { take(cycle.profile()); }) {
  profiler_.start();
}

RoundTime DeviceRounds::operator()(const Contestant& contestant, std::int64_t calls) {
  clock_.occupy(device_, 2 * call_ns_ * static_cast<double>(calls));
  {
    const ProfileRange range(timed_range);
    contestant(calls);
  }
  profiler_.step();
  call_ns_ = taken_.host_ns / static_cast<double>(calls);
  return taken_;
}

void DeviceRounds::take(const Profile& profile) {
  taken_ = {};
  const Ranking ranking = rank(profile);
  for (const RankingRow& row : ranking.ranges) {
    if (row.name != timed_range) continue;
    taken_.ns = (std::max(row.device_us, 0.0) + std::max(row.first_device_us, 0.0)) * 1e3;
    taken_.host_ns = (row.total_us + row.first_us) * 1e3;
  }
}

}  // namespace metron::tools
