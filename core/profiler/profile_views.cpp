#include <metron/core/profiler/internal/text_table.h>
#include <metron/core/profiler/internal/views.h>
#include <metron/core/profiler/profile_views.h>
#include <metron/core/profiler/ranking.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace metron {
namespace {

constexpr double us = 1e-3;  // from nanoseconds

// "", "block", "block.conv1" for "block.conv1".
std::vector<std::string> prefixes(const std::string& path) {
  std::vector<std::string> list{""};
  for (std::size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1))
    list.push_back(path.substr(0, dot));
  if (!path.empty()) list.push_back(path);
  return list;
}

class ModuleRows {
 public:
  explicit ModuleRows(const Profile& profile) : profile_(profile) {
    const std::vector<RecordTimes> times = corrected_times(profile);
    for (std::size_t i = 0; i < times.size(); ++i) add(static_cast<std::int32_t>(i), times[i]);
    for (std::size_t i = 0; i < profile.module_calls.size(); ++i) {
      if (profile.module_calls[i] > 0) row(profile.strings[i]).calls = profile.module_calls[i];
    }
    for (const MemoryEvent& event : profile.memory) add_memory(event);
  }

  std::vector<ModuleRow> rows;

 private:
  ModuleRow& row(const std::string& path) {
    const auto [found, added] = positions_.try_emplace(path, rows.size());
    if (added) {
      rows.emplace_back().path = path;
      rows.back().clock = profile_.device_clock;
      rows.back().depth = path.empty() ? 0 : 1 + static_cast<int>(std::count(path.begin(), path.end(), '.'));
    }
    return rows[found->second];
  }

  template <typename Add>
  void for_each_around(std::uint32_t module, const Add& add) {
    for (const std::string& path : prefixes(profile_.strings[module])) add(row(path));
  }

  void add(std::int32_t index, const RecordTimes& times) {
    const Record& record = profile_.records[static_cast<std::size_t>(index)];
    if (record.phase == Phase::optimizer || record.kind == RecordKind::range) return;
    const bool outermost = op_of(profile_, record.parent) < 0, by_device = !profile_.device_clock.empty();
    const double host_us = outermost ? times.total_ns * us : 0;
    const double time_us = by_device ? std::max(times.device_ns, 0.0) * us : host_us;
    for_each_around(record.module, [&](ModuleRow& row) {
      row.host_us += host_us;
      row.share += time_us;  // divided by the wall time at the end
      double& time = record.first                      ? row.first_us
                     : record.phase == Phase::backward ? row.backward_us
                                                       : row.forward_us;
      time += time_us;
      if (record.kind == RecordKind::kernel && !record.first) {
        row.bytes += record.bytes;
        row.flops += record.flops;
      }
    });
  }

  void add_memory(const MemoryEvent& event) {
    if (event.record < 0 || event.delta <= 0) return;
    const Record& record = profile_.records[static_cast<std::size_t>(event.record)];
    if (record.phase == Phase::optimizer) return;
    for_each_around(record.module,
                    [&](ModuleRow& row) { row.allocated_bytes += static_cast<double>(event.delta); });
  }

  const Profile& profile_;
  std::map<std::string, std::size_t> positions_;
};

}  // namespace

std::vector<ModuleRow> module_view(const Profile& profile) {
  return detail::module_view(profile, detail::device_timeline(profile));
}

std::vector<ModuleRow> detail::module_view(const Profile& profile, const DeviceTimeline& timeline) {
  std::vector<ModuleRow> rows = std::move(ModuleRows(profile).rows);
  double wall_us = static_cast<double>(profile.wall_ns) * us;
  if (!profile.device_clock.empty()) wall_us = device_wall_ns(profile, timeline) * us;
  for (ModuleRow& row : rows) row.share = wall_us > 0 ? row.share / wall_us : 0;
  return rows;
}

std::string to_table(const std::vector<ModuleRow>& rows) {
  // "device " or "model ", so that modeled times are never taken for others.
  const std::string clock =
      rows.empty() || rows.front().clock.empty() ? "" : clock_label(rows.front().clock) + ' ';
  std::vector<std::string> header{"module",          "calls", clock + "forward ms", clock + "backward ms",
                                  "share",           "GFLOP", "MiB touched",        "MiB alloc.",
                                  clock + "first ms"};
  if (!clock.empty()) header.emplace_back("host ms");
  TextTable table(std::move(header), {0});
  for (const ModuleRow& row : rows) {
    const std::string name = row.path.empty() ? "(model)" : row.path.substr(row.path.rfind('.') + 1);
    std::vector<std::string> cells{std::string(2 * static_cast<std::size_t>(row.depth), ' ') + name,
                                   std::to_string(row.calls),
                                   fixed(row.forward_us * 1e-3, 3),
                                   fixed(row.backward_us * 1e-3, 3),
                                   fixed(row.share * 100, 2) + " %",
                                   fixed(row.flops * 1e-9, 3),
                                   fixed(row.bytes / (1 << 20), 2),
                                   fixed(row.allocated_bytes / (1 << 20), 2),
                                   fixed(row.first_us * 1e-3, 3)};
    if (!clock.empty()) cells.push_back(fixed(row.host_us * 1e-3, 3));
    table.add(std::move(cells));
  }
  return table.to_string();
}

std::string to_csv(const std::vector<ModuleRow>& rows) {
  const std::string clock =
      rows.empty() || rows.front().clock.empty() ? "" : clock_label(rows.front().clock) + '_';
  std::string csv = "module,calls," + clock + "forward_us," + clock + "backward_us," + clock +
                    "first_us,share,bytes,flops,allocated_bytes" + (clock.empty() ? "" : ",host_us") + '\n';
  for (const ModuleRow& row : rows) {
    csv += csv_field(row.path) + ',' + std::to_string(row.calls);
    for (const double value : {row.forward_us, row.backward_us, row.first_us, row.share, row.bytes, row.flops,
                               row.allocated_bytes})
      csv += ',' + shortest(value);
    csv += (clock.empty() ? "" : ',' + shortest(row.host_us)) + '\n';
  }
  return csv;
}

MemorySummary memory_summary(const Profile& profile, Device::Type device) {
  MemorySummary summary;
  const auto consider = [&](std::int64_t live, const MemoryEvent& event) {
    if (live <= summary.peak_bytes) return;
    summary.peak_bytes = live;
    summary.peak_time = event.time;
    summary.peak_record = event.record;
  };
  for (const MemoryEvent& event : profile.memory) {
    if (event.device != device) continue;
    if (event.delta > 0) {
      ++summary.allocations;
      summary.allocated_bytes += event.delta;
    } else {
      summary.freed_bytes -= event.delta;
      consider(event.live - event.delta,
               event);  // live before the event: another thread may have allocated it
    }
    consider(event.live, event);
  }
  return summary;
}

std::string memory_timeline_csv(const Profile& profile) {
  return detail::memory_timeline_csv(profile, detail::device_timeline(profile));
}

std::string detail::memory_timeline_csv(const Profile& profile, const DeviceTimeline& timeline) {
  const bool by_device = !profile.device_clock.empty();
  std::string csv = "time_us,device,bytes,live_bytes,op,module";
  if (by_device) csv += ',' + clock_label(profile.device_clock) + "_time_us";
  csv += '\n';
  const std::vector<DeviceTimeline::Work>& work = timeline.work;
  auto next = work.begin();  // enqueued after the event
  const auto device_time = [&](const MemoryEvent& event) -> std::string {
    const auto enqueued = [&] { return profile.records[static_cast<std::size_t>(next->record)].start; };
    while (next != work.end() && enqueued() < event.time) ++next;
    if (next == work.end()) return ",";
    return ',' + shortest((next->start - static_cast<double>(profile.start)) * us);
  };
  for (const MemoryEvent& event : profile.memory) {
    csv += shortest(static_cast<double>(event.time - profile.start) * us) + ',' + name_of(event.device) +
           ',' + std::to_string(event.delta) + ',' + std::to_string(event.live) + ',';
    if (const std::int32_t op = op_of(profile, event.record); op >= 0) {
      const Record& record = profile.records[static_cast<std::size_t>(op)];
      csv +=
          csv_field(record.phase == Phase::backward ? record.name + std::string(" backward") : record.name);
      csv += ',' + csv_field(profile.strings[record.module]);
    } else {
      csv += ',';
    }
    csv += (by_device ? device_time(event) : "") + '\n';
  }
  return csv;
}

}  // namespace metron
