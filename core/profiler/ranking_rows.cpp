// Sums the records of a profile by row.
#include <metron/core/profiler/internal/ranking_rows.h>
#include <metron/core/profiler/internal/record_times.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace metron::detail {
namespace {

constexpr double us_per_ns = 1e-3;  // from nanoseconds

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

void add_device_time(RankingRow& row, const RecordTimes& times, bool is_first) {
  if (times.device_ns < 0) return;
  double& device_us = is_first ? row.first_device_us : row.device_us;
  device_us = std::max(device_us, 0.0) + times.device_ns * us_per_ns;
}

// Adds the work of a kernel or copy to its own row, or to the row of its op, whose call may be a first one.
void add_work(RankingRow& row, const Record& kernel, const RecordTimes& times, bool is_first) {
  add_device_time(row, times, is_first);
  if (is_first) return;
  row.bytes += kernel.bytes;
  row.flops += kernel.flops;
}

class Collector {
 public:
  Collector(const Profile& profile, GroupBy by, const DeviceTimeline& timeline)
      : profile_(profile), by_(by), times_(corrected_times(profile)), operands_(profile.records.size()) {
    if (by == GroupBy::shape) find_operands();
    for (std::size_t i = 0; i < profile.records.size(); ++i) add(static_cast<std::int32_t>(i));
    add_memory();
    if (!profile.device_clock.empty()) add_device_idle(timeline);
  }

  RankingRows finish() { return std::move(rows_); }

 private:
  // An op is identified by the operands of its first kernel.
  void find_operands() {
    for (std::size_t i = profile_.records.size(); i-- > 0;) {
      const Record& record = profile_.records[i];
      if (!is_device_work(record)) continue;
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
    OpGroup& group = rows_.groups[{record.phase, op_name(record), detail}];
    group.row.name = op_name(record);
    (by_ == GroupBy::shape ? group.row.operands : group.row.module) = std::move(detail);
    return group;
  }

  void add(std::int32_t index) {
    const Record& record = profile_.records[static_cast<std::size_t>(index)];
    const RecordTimes& times = times_[static_cast<std::size_t>(index)];
    if (record.kind == RecordKind::range) {
      RankingRow& row = rows_.ranges[record.name];
      row.name = record.name;
      add_time(row, record, times);
      row.waiting_us += times.waiting_ns * us_per_ns;
      return;
    }
    if (record.kind == RecordKind::wait) {
      add_wait(index);
      return;
    }
    if (op_of(profile_, record.parent) < 0) rows_.ops_us += times.total_ns * us_per_ns;
    if (record.kind == RecordKind::op) {
      add_time(group_of(index).row, record, times);
    } else {
      add_kernel(index);
    }
  }

  void add_wait(std::int32_t index) {
    const std::int32_t parent = profile_.records[static_cast<std::size_t>(index)].parent;
    for (std::int32_t around = parent; around >= 0;
         around = profile_.records[static_cast<std::size_t>(around)].parent) {
      if (profile_.records[static_cast<std::size_t>(around)].kind == RecordKind::wait) return;
    }
    const double us = times_[static_cast<std::size_t>(index)].waiting_ns * us_per_ns;
    rows_.waiting_us += us;
    if (const std::int32_t op = op_of(profile_, parent); op >= 0) group_of(op).row.waiting_us += us;
  }

  void add_device_idle(const DeviceTimeline& timeline) {
    rows_.device.has_timeline = !timeline.work.empty();
    rows_.device.devices = std::max(timeline.devices, 1);
    rows_.device.wall_us = device_wall_ns(profile_, timeline) * us_per_ns;
    rows_.device.behind_us = timeline.behind_ns * us_per_ns;
    rows_.device.timer_us = timeline.timer_ns * us_per_ns;
    rows_.device.dispatch_us = timeline.dispatch_idle_ns * us_per_ns;
    for (std::size_t i = 0; i < timeline.idle_ns.size(); ++i) {
      if (timeline.idle_ns[i] > 0)
        group_of(static_cast<std::int32_t>(i)).row.idle_us += timeline.idle_ns[i] * us_per_ns;
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
    add_work(row, record, times, record.first);
    add_work(group.row, record, times,
             op < 0 ? record.first : profile_.records[static_cast<std::size_t>(op)].first);
    if (times.device_ns >= 0)
      (record.kind == RecordKind::copy ? rows_.device.copies_us : rows_.device.busy_us) +=
          times.device_ns * us_per_ns;
    add_to_ranges(record, times);
    if (op < 0)
      add_time(group.row, record, {.total_ns = times.total_ns});  // outside of any op: a row of its own
  }

  // The device's time, in all ranges around the record.
  void add_to_ranges(const Record& record, const RecordTimes& times) {
    if (times.device_ns < 0) return;
    for (std::int32_t i = record.parent; i >= 0; i = profile_.records[static_cast<std::size_t>(i)].parent) {
      const Record& around = profile_.records[static_cast<std::size_t>(i)];
      if (around.kind == RecordKind::range) add_device_time(rows_.ranges[around.name], times, around.first);
    }
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
  RankingRows rows_;
  std::vector<RecordTimes> times_;
  std::vector<std::uint32_t> operands_;
};

}  // namespace

RankingRows collect_rows(const Profile& profile, GroupBy by, const DeviceTimeline& timeline) {
  return Collector(profile, by, timeline).finish();
}

}  // namespace metron::detail
