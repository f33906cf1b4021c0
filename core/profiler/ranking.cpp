// Aggregates records into a ranking: subtracts the timer's overhead, counts nested time once and separates
// first calls.
#include <metron/core/profiler/ranking.h>
#include <metron/core/timer/profile.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace metron {
namespace {

constexpr double us_per_ns = 1e-3;  // from nanoseconds

double record_cost(const TimerCost& cost, const Record& record) {
  return record.kind == RecordKind::kernel ? cost.kernel_ns : cost.op_ns;
}

// Phase, name, and the module or operands if grouped by them.
using GroupKey = std::tuple<Phase, std::string, std::string>;

struct OpGroup {
  RankingRow row;
  std::map<std::string, RankingRow> kernels;
};

std::string op_name(const Record& record) {
  return record.phase == Phase::backward ? std::string(record.name) + " backward" : record.name;
}

std::string kernel_name(const Record& record) {
  return std::string(record.provider == nullptr ? "stopped" : record.provider) + '.' + record.name;
}

void add_time(RankingRow& row, const Record& record, const RecordTimes& times) {
  row.phase = record.phase;
  if (record.first) {
    ++row.first_calls;
    row.first_us += times.total_ns * us_per_ns;
    row.first_self_us += times.self_ns * us_per_ns;
  } else {
    ++row.calls;
    row.total_us += times.total_ns * us_per_ns;
    row.self_us += times.self_ns * us_per_ns;
  }
}

// Adds the work of a kernel to its own row or to the row of its op.
void add_work(RankingRow& row, const Record& kernel) {
  if (kernel.first) return;
  row.bytes += kernel.bytes;
  row.flops += kernel.flops;
  if (kernel.device_ns >= 0) row.device_us = std::max(row.device_us, 0.0) + kernel.device_ns * us_per_ns;
}

class Collector {
 public:
  Collector(const Profile& profile, GroupBy by)
      : profile_(profile), by_(by), times_(corrected_times(profile)), operands_(profile.records.size()) {
    if (by == GroupBy::shape) find_operands();
    for (std::size_t i = 0; i < profile.records.size(); ++i) add(static_cast<std::int32_t>(i));
    add_memory();
  }

  std::map<GroupKey, OpGroup> groups;
  std::map<std::string, RankingRow> ranges;
  double ops_us = 0;  // of outermost ops and kernels

 private:
  // An op is identified by the operands of its first kernel.
  void find_operands() {
    for (std::size_t i = profile_.records.size(); i-- > 0;) {
      const Record& record = profile_.records[i];
      if (record.kind != RecordKind::kernel) continue;
      for (std::int32_t a = static_cast<std::int32_t>(i); a >= 0;
           a = profile_.records[static_cast<std::size_t>(a)].parent)
        operands_[static_cast<std::size_t>(a)] = record.signature;
    }
  }

  OpGroup& group_of(std::int32_t index) {
    const Record& record = profile_.records[static_cast<std::size_t>(index)];
    std::string detail;
    if (by_ == GroupBy::module) detail = profile_.strings[record.module];
    if (by_ == GroupBy::shape) detail = profile_.strings[operands_[static_cast<std::size_t>(index)]];
    OpGroup& group = groups[{record.phase, op_name(record), detail}];
    group.row.name = op_name(record);
    (by_ == GroupBy::shape ? group.row.operands : group.row.module) = std::move(detail);
    return group;
  }

  void add(std::int32_t index) {
    const Record& record = profile_.records[static_cast<std::size_t>(index)];
    const RecordTimes& times = times_[static_cast<std::size_t>(index)];
    if (record.kind == RecordKind::range) {
      RankingRow& row = ranges[record.name];
      row.name = record.name;
      add_time(row, record, times);
      return;
    }
    if (op_of(profile_, record.parent) < 0) ops_us += times.total_ns * us_per_ns;
    if (record.kind == RecordKind::op) {
      add_time(group_of(index).row, record, times);
    } else {
      add_kernel(index);
    }
  }

  void add_kernel(std::int32_t index) {
    const Record& record = profile_.records[static_cast<std::size_t>(index)];
    const RecordTimes& times = times_[static_cast<std::size_t>(index)];
    const std::int32_t op = op_of(profile_, index);
    OpGroup& group = group_of(op < 0 ? index : op);
    const std::string name = kernel_name(record);
    RankingRow& row = group.kernels[name];
    row.name = name;
    row.is_kernel = true;
    add_time(row, record, times);
    add_work(row, record);
    add_work(group.row, record);
    if (op < 0) add_time(group.row, record, {times.total_ns, 0});  // outside of any op: a row of its own
  }

  void add_memory() {
    for (const MemoryEvent& event : profile_.memory) {
      const std::int32_t op = op_of(profile_, event.record);
      if (op < 0) continue;
      RankingRow& row = group_of(op).row;
      (event.delta > 0 ? row.allocated_bytes : row.freed_bytes) += static_cast<double>(std::abs(event.delta));
    }
  }

  const Profile& profile_;
  GroupBy by_;
  std::vector<RecordTimes> times_;
  std::vector<std::uint32_t> operands_;
};

// Attributes the remaining wall time to the timer and to code outside of ops.
void attribute_wall_time(Ranking& ranking, const Profile& profile, double ops_us) {
  for (const Record& record : profile.records)
    ranking.timer_us += record_cost(profile.cost, record) * us_per_ns;
  ranking.timer_us += profile.cost.memory_ns * static_cast<double>(profile.memory.size()) * us_per_ns;
  ranking.wall_us = static_cast<double>(profile.wall_ns) * us_per_ns;
  ranking.timer_us = std::min(ranking.timer_us, ranking.wall_us);
  ranking.outside_us = std::max(ranking.wall_us - ops_us - ranking.timer_us, 0.0);
  const auto records = static_cast<double>(profile.records.size());
  ranking.timer_per_record_ns = records == 0 ? 0 : ranking.timer_us / us_per_ns / records;
  ranking.noise_ns = profile.cost.noise_ns;
}

void rate(RankingRow& row, const Ranking& ranking) {
  row.share = ranking.wall_us > 0 ? (row.self_us + row.first_self_us) / ranking.wall_us : 0;
  row.above_noise = row.calls > 0 && row.average_us() / us_per_ns > ranking.noise_ns;
}

void rate(OpGroup& group, const Ranking& ranking) {
  rate(group.row, ranking);
  for (auto& [name, kernel] : group.kernels) {
    rate(kernel, ranking);
    group.row.share += kernel.share;
  }
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
      break;
  }
  return 0;
}

class Before {
 public:
  explicit Before(SortBy by) : by_(by) {}
  bool operator()(const RankingRow& a, const RankingRow& b) const {
    const double x = sort_value(a, by_), y = sort_value(b, by_);
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

// Children follow their parent, so a reverse iteration visits them first. Ranges are transparent: their
// contents count as nested in the enclosing op, and their self time belongs to that op.
std::vector<RecordTimes> corrected_times(const Profile& profile) {
  const TimerCost& cost = profile.cost;
  const std::vector<Record>& records = profile.records;
  std::vector<RecordTimes> times(records.size());
  std::vector<double> overhead_inside(records.size());  // overhead of the records inside this one
  std::vector<double> nested(records.size());           // corrected time of directly nested records
  for (const MemoryEvent& event : profile.memory) {
    if (event.record >= 0) overhead_inside[static_cast<std::size_t>(event.record)] += cost.memory_ns;
  }
  for (std::size_t i = records.size(); i-- > 0;) {
    const Record& record = records[i];
    const bool is_range = record.kind == RecordKind::range;
    const double inside = record.kind == RecordKind::kernel ? cost.kernel_inside_ns : cost.op_inside_ns;
    const auto raw = static_cast<double>(std::max(record.end - record.start, std::int64_t{0}));
    times[i].total_ns = std::max(raw - inside - overhead_inside[i], 0.0);
    times[i].self_ns = std::max(times[i].total_ns - nested[i], 0.0);
    if (record.parent < 0) continue;
    const auto parent = static_cast<std::size_t>(record.parent);
    overhead_inside[parent] += overhead_inside[i] + record_cost(cost, record);
    const bool in_range = records[parent].kind == RecordKind::range;
    if (in_range || !is_range) nested[parent] += times[i].total_ns;
    if (!in_range || is_range) continue;
    if (const std::int32_t op = op_of(profile, record.parent); op >= 0)
      nested[static_cast<std::size_t>(op)] += times[i].total_ns;
  }
  return times;
}

Ranking rank(const Profile& profile, const RankingOptions& options) {
  Collector collected(profile, options.group);
  Ranking ranking;
  attribute_wall_time(ranking, profile, collected.ops_us);

  const Before before(options.sort);
  std::vector<OpGroup*> order;
  for (auto& [key, group] : collected.groups) {
    rate(group, ranking);
    order.push_back(&group);
  }
  std::sort(order.begin(), order.end(), before);
  if (options.limit > 0 && order.size() > static_cast<std::size_t>(options.limit)) {
    ranking.hidden_rows = static_cast<std::int64_t>(order.size()) - options.limit;
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
