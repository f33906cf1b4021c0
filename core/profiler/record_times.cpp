// Times of records without the timer's overhead and without waiting for a device.
#include <metron/core/profiler/internal/record_times.h>
#include <metron/core/profiler/ranking.h>
#include <metron/core/timer/profile.h>

#include <algorithm>

namespace metron {
namespace {

double inside_cost(const Profile& profile, const Record& record) {
  const TimerCost& cost = profile.cost;
  const double events_ns = record.device_ns >= 0 ? cost.events_ns / 2 : 0;
  return (detail::is_device_work(record) ? cost.kernel_inside_ns : cost.op_inside_ns) + events_ns;
}

}  // namespace

double detail::record_cost(const Profile& profile, const Record& record) {
  const double events_ns = record.device_ns >= 0 ? profile.cost.events_ns : 0;
  return (is_device_work(record) ? profile.cost.kernel_ns : profile.cost.op_ns) + events_ns;
}

// Children follow their parent, so a reverse iteration visits them first. Ranges are transparent: their
// contents count as nested in the enclosing op, and their self time belongs to that op.
std::vector<RecordTimes> corrected_times(const Profile& profile) {
  const TimerCost& cost = profile.cost;
  const std::vector<Record>& records = profile.records;
  std::vector<RecordTimes> times(records.size());
  std::vector<double> overhead_inside(records.size());  // overhead of the records inside this one
  std::vector<double> nested(records.size());           // corrected time of directly nested records
  std::vector<char> waits(records.size());              // a wait, or inside of one
  for (const MemoryEvent& event : profile.memory) {
    if (event.record >= 0) overhead_inside[static_cast<std::size_t>(event.record)] += cost.memory_ns;
  }
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::int32_t parent = records[i].parent;
    const bool inside = parent >= 0 && waits[static_cast<std::size_t>(parent)] != 0;
    waits[i] = static_cast<char>(inside || records[i].kind == RecordKind::wait);
  }
  for (std::size_t i = records.size(); i-- > 0;) {
    const Record& record = records[i];
    const bool is_range = record.kind == RecordKind::range;
    const auto raw = static_cast<double>(std::max(record.end - record.start, std::int64_t{0}));
    const double used = std::max(raw - inside_cost(profile, record) - overhead_inside[i], 0.0);
    if (waits[i] != 0) {
      times[i].waiting_ns = used;  // replaces that of the records inside
    } else {
      times[i].total_ns = std::max(used - times[i].waiting_ns, 0.0);
      times[i].self_ns = std::max(times[i].total_ns - nested[i], 0.0);
    }
    if (record.device_ns >= 0) times[i].device_ns = std::max(record.device_ns - cost.device_ns, 0.0);
    if (record.parent < 0) continue;
    const auto parent = static_cast<std::size_t>(record.parent);
    overhead_inside[parent] += overhead_inside[i] + detail::record_cost(profile, record);
    times[parent].waiting_ns += times[i].waiting_ns;
    const bool in_range = records[parent].kind == RecordKind::range;
    if (in_range || !is_range) nested[parent] += times[i].total_ns;
    if (!in_range || is_range) continue;
    if (const std::int32_t op = op_of(profile, record.parent); op >= 0)
      nested[static_cast<std::size_t>(op)] += times[i].total_ns;
  }
  return times;
}

}  // namespace metron
