// Rates and sorts the rows of a ranking, and divides the wall time.
#include <metron/core/error.h>
#include <metron/core/profiler/internal/ranking_rows.h>
#include <metron/core/profiler/internal/record_times.h>
#include <metron/core/profiler/internal/views.h>
#include <metron/core/profiler/ranking.h>
#include <metron/core/timer/profile.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace metron {
namespace {

using detail::GroupKey, detail::OpGroup;

constexpr double us_per_ns = 1e-3;  // from nanoseconds

// Attributes the remaining wall time to the timer and to code outside of ops.
void attribute_wall_time(Ranking& ranking, const Profile& profile, double ops_us) {
  for (const Record& record : profile.records)
    ranking.timer_us += detail::record_cost(profile, record) * us_per_ns;
  ranking.timer_us += profile.cost.memory_ns * static_cast<double>(profile.memory.size()) * us_per_ns;
  ranking.wall_us = static_cast<double>(profile.wall_ns) * us_per_ns;
  ranking.timer_us = std::min(ranking.timer_us, ranking.wall_us);
  ranking.outside_us = std::max(ranking.wall_us - ops_us - ranking.waiting_us - ranking.timer_us, 0.0);
  const auto records = static_cast<double>(profile.records.size());
  ranking.timer_per_record_ns = records == 0 ? 0 : ranking.timer_us / us_per_ns / records;
  ranking.noise_ns = ranking.clock.empty() ? profile.cost.noise_ns : profile.cost.device_noise_ns;
}

// Divides the wall time into work and idle time of the device, and names the cause of most idle time.
void attribute_device_time(DeviceUse& device, const Ranking& ranking,
                           const std::map<GroupKey, OpGroup>& groups) {
  double in_ops_us = 0;
  for (const auto& [key, group] : groups) in_ops_us += group.row.idle_us;
  device.idle_us = device.wall_us - device.busy_us - device.copies_us - device.timer_us;
  if (!device.has_timeline) return;
  device.device_waits_us = device.idle_us - device.dispatch_us;
  device.host_waits_us = ranking.waiting_us;
  device.outside_us = std::max(device.device_waits_us - in_ops_us, 0.0);
  if (device.outside_us > 0) device.cause = "outside operators";
  device.cause_us = device.outside_us;
  for (const auto& [key, group] : groups) {
    if (group.row.idle_us <= device.cause_us) continue;
    device.cause = group.row.name;
    device.cause_us = group.row.idle_us;
  }
}

void rate(RankingRow& row, const Ranking& ranking) {
  row.by_device = !ranking.clock.empty();
  if (row.by_device) {
    const double device_us = std::max(row.device_us, 0.0) + std::max(row.first_device_us, 0.0);
    row.share = ranking.device.wall_us > 0 ? device_us / ranking.device.wall_us : 0;
  } else {
    row.share = ranking.wall_us > 0 ? (row.self_us + row.first_self_us) / ranking.wall_us : 0;
  }
  row.above_noise = row.calls > 0 && row.average_us() / us_per_ns > ranking.noise_ns;
}

void rate(OpGroup& group, const Ranking& ranking) {
  rate(group.row, ranking);
  for (auto& [name, kernel] : group.kernels) {
    rate(kernel, ranking);
    if (!kernel.by_device) group.row.share += kernel.share;  // its device time is that of its kernels
  }
}

// Adds an omitted op and its kernels.
void add_hidden(RankingRow& hidden, const OpGroup& group) {
  hidden.by_device = group.row.by_device;
  hidden.share += group.row.share;
  hidden.waiting_us += group.row.waiting_us;
  hidden.idle_us += group.row.idle_us;
  const auto add_times = [&hidden](const RankingRow& row) {
    hidden.self_us += row.self_us;
    hidden.first_self_us += row.first_self_us;
  };
  add_times(group.row);
  for (const auto& [name, kernel] : group.kernels) add_times(kernel);
  if (group.row.device_us >= 0) hidden.device_us = std::max(hidden.device_us, 0.0) + group.row.device_us;
  if (group.row.first_device_us >= 0)
    hidden.first_device_us = std::max(hidden.first_device_us, 0.0) + group.row.first_device_us;
}

double sort_value(const RankingRow& row, SortBy by) {
  switch (by) {
    case SortBy::total:
      return row.time_us();
    case SortBy::device:
      return std::max(row.device_us, 0.0);
    case SortBy::host:
      return row.total_us;
    case SortBy::self:
      return row.self_us;
    case SortBy::calls:
      return static_cast<double>(row.calls);
    case SortBy::average:
      return row.average_us();
    case SortBy::name:
      break;
  }
  return 0;
}

class Before {
 public:
  explicit Before(SortBy by) : by_(by) {}
  bool operator()(const RankingRow& a, const RankingRow& b) const {
    double x = sort_value(a, by_), y = sort_value(b, by_);
    if (x == y && a.by_device) std::tie(x, y) = std::pair(a.total_us, b.total_us);  // without device work
    return x != y ? x > y : std::tie(a.name, a.module, a.operands) < std::tie(b.name, b.module, b.operands);
  }
  bool operator()(const OpGroup* a, const OpGroup* b) const { return (*this)(a->row, b->row); }

 private:
  SortBy by_;
};

std::vector<RankingRow> sorted(const std::map<std::string, RankingRow>& rows, const Before& before) {
  std::vector<RankingRow> list;
  list.reserve(rows.size());
  for (const auto& [name, row] : rows) list.push_back(row);
  std::sort(list.begin(), list.end(), before);
  return list;
}

}  // namespace

Ranking rank(const Profile& profile, const RankingOptions& options) {
  return detail::rank(profile, options, detail::device_timeline(profile));
}

Ranking detail::rank(const Profile& profile, const RankingOptions& options, const DeviceTimeline& timeline) {
  check<ValueError>(options.sort != SortBy::device || !profile.device_clock.empty(), "rank",
                    "SortBy::device requires device times, got a profile without any");
  detail::RankingRows collected = detail::collect_rows(profile, options.group, timeline);
  Ranking ranking;
  ranking.clock = profile.device_clock;
  ranking.waiting_us = collected.waiting_us;
  attribute_wall_time(ranking, profile, collected.ops_us);
  if (!ranking.clock.empty()) {
    ranking.device = collected.device;
    attribute_device_time(ranking.device, ranking, collected.groups);
  }

  const Before before(options.sort);
  std::vector<OpGroup*> order;
  for (auto& [key, group] : collected.groups) {
    rate(group, ranking);
    order.push_back(&group);
  }
  std::sort(order.begin(), order.end(), before);
  if (options.limit > 0 && order.size() > static_cast<std::size_t>(options.limit)) {
    ranking.hidden_rows = static_cast<std::int64_t>(order.size()) - options.limit;
    for (std::size_t i = static_cast<std::size_t>(options.limit); i < order.size(); ++i)
      add_hidden(ranking.hidden, *order[i]);
    order.resize(static_cast<std::size_t>(options.limit));
  }
  for (const OpGroup* group : order) {
    ranking.rows.push_back(group->row);
    if (!options.kernels) continue;
    const std::vector<RankingRow> kernels = sorted(group->kernels, before);
    ranking.rows.insert(ranking.rows.end(), kernels.begin(), kernels.end());
  }
  for (auto& [name, range] : collected.ranges) rate(range, ranking);
  ranking.ranges = sorted(collected.ranges, before);
  return ranking;
}

}  // namespace metron
