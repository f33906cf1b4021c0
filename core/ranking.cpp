// From records to a ranking: the timer's cost comes out, nested time is counted once, first calls stand
// apart.
#include <metron/core/profiler_state.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <numeric>
#include <tuple>

namespace metron {
namespace {

constexpr double us = 1e-3;  // from nanoseconds

struct Times {
  double total = 0;  // ns, the timer's cost taken out
  double self = 0;
};

// Corrected times of every record. Children stand after their parent, so one walk from the back sees them
// first.
std::vector<Times> correct(const std::vector<Record>& records, const TimerCost& cost) {
  std::vector<Times> times(records.size());
  std::vector<double> below(records.size());     // cost of the records nested in this one
  std::vector<double> children(records.size());  // corrected total of the direct children
  for (std::size_t i = records.size(); i-- > 0;) {
    const Record& record = records[i];
    const bool kernel = record.provider != nullptr;
    const double inside = kernel ? cost.kernel_inside_ns : cost.op_inside_ns;
    const double raw = static_cast<double>(std::max(record.end - record.start, std::int64_t{0}));
    times[i].total = std::max(raw - inside - below[i], 0.0);
    times[i].self = std::max(times[i].total - children[i], 0.0);
    if (record.parent < 0) continue;
    const auto parent = static_cast<std::size_t>(record.parent);
    below[parent] += below[i] + (kernel ? cost.kernel_ns : cost.op_ns);
    children[parent] += times[i].total;
  }
  return times;
}

// An op, by what the ranking groups on: (phase, name, module).
using OpKey = std::tuple<Phase, std::string, std::string>;

struct OpGroup {
  RankingRow row;
  std::map<std::string, RankingRow> kernels;
};

void add_record(RankingRow& row, const Record& record, const Times& times) {
  row.phase = record.phase;
  if (record.first) {
    ++row.first_calls;
    row.first_us += times.total * us;
    row.first_self_us += times.self * us;
    return;
  }
  ++row.calls;
  row.total_us += times.total * us;
  row.self_us += times.self * us;
  row.bytes += record.bytes;
  row.flops += record.flops;
  if (record.device_ns >= 0) row.device_us = std::max(row.device_us, 0.0) + record.device_ns * us;
}

double sort_value(const RankingRow& row, SortBy by) {
  switch (by) {
    case SortBy::total:
      return row.total_us;
    case SortBy::self:
      return row.self_us;
    case SortBy::calls:
      return static_cast<double>(row.calls);
    case SortBy::average:
      return row.average_us();
    case SortBy::name:
      return 0;
  }
  return 0;
}

bool ranks_before(const RankingRow& a, const RankingRow& b, SortBy by) {
  const double x = sort_value(a, by), y = sort_value(b, by);
  return x != y ? x > y : std::tie(a.name, a.module) < std::tie(b.name, b.module);
}

std::string op_name(const Record& record) {
  return record.phase == Phase::backward ? std::string(record.name) + " backward" : record.name;
}

}  // namespace

Ranking Profiler::ranking(const RankingOptions& options) const {
  const std::vector<Record>& all = records();
  const std::vector<Times> times = correct(all, state_->cost);
  std::map<OpKey, OpGroup> groups;
  const auto group_of = [&](const Record& record) -> OpGroup& {
    const std::string module = options.group == GroupBy::module ? state_->strings[record.module] : "";
    OpGroup& group = groups[{record.phase, op_name(record), module}];
    group.row.name = op_name(record);
    group.row.module = module;
    return group;
  };

  Ranking ranking;
  const TimerCost& cost = state_->cost;
  double ops_us = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Record& record = all[i];
    const bool kernel = record.provider != nullptr;
    ranking.timer_us += (kernel ? cost.kernel_ns : cost.op_ns) * us;
    if (record.parent < 0) ops_us += times[i].total * us;
    if (!kernel) {
      add_record(group_of(record).row, record, times[i]);
      continue;
    }
    const std::string name = std::string(record.provider) + '.' + record.name;
    OpGroup& group = group_of(record.parent < 0 ? record : all[static_cast<std::size_t>(record.parent)]);
    RankingRow& row = group.kernels[name];
    row.name = name;
    row.is_kernel = true;
    add_record(row, record, times[i]);
    if (!record.first) {
      group.row.bytes += record.bytes;
      group.row.flops += record.flops;
      if (record.device_ns >= 0)
        group.row.device_us = std::max(group.row.device_us, 0.0) + record.device_ns * us;
    }
    if (record.parent < 0) {  // a slot called outside of any op stands as its own op
      group.row.phase = record.phase;
      (record.first ? group.row.first_calls : group.row.calls) += 1;
      (record.first ? group.row.first_us : group.row.total_us) += times[i].total * us;
    }
  }

  std::int64_t wall_ns = state_->wall_ns;
  if (running()) wall_ns += steady_now_ns() - state_->started;
  ranking.wall_us = static_cast<double>(wall_ns) * us;
  ranking.timer_us = std::min(ranking.timer_us, ranking.wall_us);
  ranking.outside_us = std::max(ranking.wall_us - ops_us - ranking.timer_us, 0.0);
  ranking.timer_per_record_ns = all.empty() ? 0 : ranking.timer_us / us / static_cast<double>(all.size());
  ranking.noise_ns = cost.noise_ns;

  const auto share = [&](double time_us) { return ranking.wall_us > 0 ? time_us / ranking.wall_us : 0; };
  std::vector<OpGroup*> order;
  for (auto& [key, group] : groups) {
    RankingRow& row = group.row;
    row.share = share(row.self_us + row.first_self_us);
    row.above_noise = row.calls > 0 && row.average_us() / us > cost.noise_ns;
    for (auto& [name, kernel] : group.kernels) {
      kernel.share = share(kernel.self_us + kernel.first_self_us);
      kernel.above_noise = kernel.calls > 0 && kernel.average_us() / us > cost.noise_ns;
      row.share += kernel.share;
    }
    order.push_back(&group);
  }
  const auto before = [&](const RankingRow& a, const RankingRow& b) {
    return ranks_before(a, b, options.sort);
  };
  std::sort(order.begin(), order.end(),
            [&](const OpGroup* a, const OpGroup* b) { return before(a->row, b->row); });
  if (options.limit > 0 && order.size() > static_cast<std::size_t>(options.limit)) {
    ranking.hidden_rows = static_cast<std::int64_t>(order.size()) - options.limit;
    order.resize(static_cast<std::size_t>(options.limit));
  }
  for (const OpGroup* group : order) {
    ranking.rows.push_back(group->row);
    if (!options.kernels) continue;
    std::vector<RankingRow> kernels;
    for (const auto& [name, kernel] : group->kernels) kernels.push_back(kernel);
    std::sort(kernels.begin(), kernels.end(), before);
    ranking.rows.insert(ranking.rows.end(), kernels.begin(), kernels.end());
  }
  return ranking;
}

std::string Ranking::to_table() const {
  std::string table;
  const auto line = [&](const char* format, const auto&... values) {
    char buffer[256];
    std::snprintf(buffer, sizeof buffer, format, values...);
    table += buffer;
    table += '\n';
  };
  const auto number = [](double value, int decimals) {
    if (value <= 0) return std::string("-");
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.*f", decimals, value);
    return std::string(buffer);
  };
  const bool devices =
      std::any_of(rows.begin(), rows.end(), [](const RankingRow& row) { return row.device_us >= 0; });
  const char* format = "%4s  %-36s %7s %11s %11s %7s %10s %9s %8s %9s%s";
  line(format, "rank", "op, with the kernels that computed it", "calls", "total ms", "self ms", "share",
       "average us", "GFLOP/s", "GB/s", "first ms", devices ? "  device ms" : "");
  int rank = 0;
  for (const RankingRow& row : rows) {
    const std::string label =
        (row.is_kernel ? "  " : "") + (row.module.empty() ? "" : row.module + ": ") + row.name;
    const std::string position = row.is_kernel ? "" : row.above_noise ? std::to_string(++rank) : "~";
    const std::string device = devices ? "  " + number(row.device_us * us, 3) : "";
    line(format, position.c_str(), label.c_str(), std::to_string(row.calls).c_str(),
         number(row.total_us * us, 3).c_str(), number(row.self_us * us, 3).c_str(),
         (number(row.share * 100, 2) + " %").c_str(), number(row.average_us(), 2).c_str(),
         number(row.gflops(), 1).c_str(), number(row.gbytes(), 2).c_str(),
         number(row.first_us * us, 3).c_str(), device.c_str());
  }
  const auto rest = [&](const char* name, double time_us) {
    line(format, "", name, "", "", number(time_us * us, 3).c_str(),
         (number(wall_us > 0 ? time_us / wall_us * 100 : 0, 2) + " %").c_str(), "", "", "", "", "");
  };
  if (hidden_rows > 0) line("      (%lld more ops)", static_cast<long long>(hidden_rows));
  rest("outside ops", outside_us);
  rest("timer", timer_us);
  line("wall time %.3f ms; the timer took %.0f ns a record, which is taken out of every row;", wall_us * us,
       timer_per_record_ns);
  line("~ marks averages below its noise of %.0f ns. First calls are kept apart from calls and totals.",
       noise_ns);
  return table;
}

}  // namespace metron
