#include <metron/core/profiler/ranking.h>
#include <metron/core/timer/profile_range.h>
#include <metron/tools/bench/device_rounds.h>

#include <algorithm>

namespace metron::tools {
namespace {

constexpr char timed_range[] = "timed calls";
constexpr double first_call_ns = 1e5;  // of the host, before any was timed

}  // namespace

DeviceRounds::DeviceRounds(Device device)
    : device_(device),
      clock_(*metron::detail::device_clock(device.type())),
      profiler_({.active = 1, .repeat = 0}, [this](const Profiler& cycle) { take(cycle.profile()); }) {
  profiler_.start();
}

RoundTime DeviceRounds::operator()(const Contestant& contestant, std::int64_t calls) {
  double& call_ns = call_ns_.try_emplace(&contestant, first_call_ns).first->second;
  for (std::int64_t left = calls; left > 0;) {
    const double wanted_ns = 2 * call_ns * static_cast<double>(left);
    const double share = clock_.occupy(device_, wanted_ns) / wanted_ns;
    const auto fitting = static_cast<std::int64_t>(std::min(share, 1.0) * static_cast<double>(left));
    const std::int64_t now = std::max(fitting, std::int64_t{1});
    const ProfileRange range(timed_range);
    contestant(now);
    left -= now;
  }
  profiler_.step();
  call_ns = std::max(taken_.host_ns / static_cast<double>(calls), 1.0);
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
