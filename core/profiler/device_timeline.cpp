// Events have only device times. Work can't begin before the host has enqueued it, and work that finds its
// stream empty begins right then. The smallest difference between the two clocks is therefore their offset. A
// wait empties the stream, so each stretch between two waits has its own offset, and a drift doesn't add up.
#include <metron/core/profiler/internal/device_timeline.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

namespace metron::detail {
namespace {

// A period in which the host was in one op, or in none.
struct Stretch {
  double start, end;
  std::int32_t op;
};

// The innermost op over time.
std::vector<Stretch> host_stretches(const Profile& profile) {
  std::vector<Stretch> stretches;
  std::vector<std::int32_t> open;
  double now = static_cast<double>(profile.start);
  const auto advance = [&](double time) {
    if (time > now) stretches.push_back({now, time, open.empty() ? -1 : open.back()});
    now = std::max(now, time);
  };
  const auto close_until = [&](std::int32_t parent) {
    for (; !open.empty() && open.back() != parent; open.pop_back())
      advance(static_cast<double>(profile.records[static_cast<std::size_t>(open.back())].end));
  };
  for (std::size_t i = 0; i < profile.records.size(); ++i) {
    const Record& record = profile.records[i];
    if (record.kind != RecordKind::op) continue;
    close_until(op_of(profile, record.parent));
    advance(static_cast<double>(record.start));
    open.push_back(static_cast<std::int32_t>(i));
  }
  close_until(-1);
  return stretches;
}

bool has_start(const Record& record) { return record.device_start >= 0 && record.device_ns >= 0; }

// When the host stopped recording. Exact if recording was never interrupted.
double host_end(const Profile& profile) {
  std::int64_t end = profile.start + profile.wall_ns;
  if (!profile.records.empty()) end = std::max(end, profile.records.back().start);
  if (!profile.steps.empty()) end = std::max(end, profile.steps.back().end);
  return static_cast<double>(end);
}

// Work in device time, in stream order, with the host time at which it was enqueued.
struct Enqueued {
  std::int32_t record;
  double host, start, end;
  bool after_wait;  // the first one since the host waited
};

std::vector<Enqueued> enqueued_work(const Profile& profile, std::uint8_t device) {
  std::vector<Enqueued> work;
  std::int64_t wait_end = std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0; i < profile.records.size(); ++i) {
    const Record& record = profile.records[i];
    if (device_index_of(profile, i) != device) continue;
    if (record.kind == RecordKind::wait) wait_end = record.end;
    if (!has_start(record)) continue;
    const bool after_wait = record.start >= wait_end;
    if (after_wait) wait_end = std::numeric_limits<std::int64_t>::max();
    work.push_back({static_cast<std::int32_t>(i), static_cast<double>(record.start), record.device_start,
                    record.device_start + record.device_ns, after_wait});
  }
  return work;
}

// Device time minus host time, for each item of the work.
std::vector<double> clock_offsets(const std::vector<Enqueued>& work) {
  std::vector<double> offsets(work.size());
  for (std::size_t first = 0, last = 0; first < work.size(); first = last) {
    double offset = work[first].start - work[first].host;
    for (last = first + 1; last < work.size() && !work[last].after_wait; ++last)
      offset = std::min(offset, work[last].start - work[last].host);
    std::fill(offsets.begin() + static_cast<std::ptrdiff_t>(first),
              offsets.begin() + static_cast<std::ptrdiff_t>(last), offset);
  }
  return offsets;
}

// Attributes periods of host time to the ops of the host. The periods must be in order.
class Attribution {
 public:
  Attribution(const std::vector<Stretch>& stretches, std::vector<double>& idle_ns)
      : stretches_(stretches), idle_ns_(idle_ns) {}
  void add(double from, double to) {
    while (next_ < stretches_.size() && stretches_[next_].end <= from) ++next_;
    for (std::size_t i = next_; i < stretches_.size() && stretches_[i].start < to; ++i) {
      const double shared = std::min(to, stretches_[i].end) - std::max(from, stretches_[i].start);
      if (stretches_[i].op >= 0 && shared > 0) idle_ns_[static_cast<std::size_t>(stretches_[i].op)] += shared;
    }
  }

 private:
  const std::vector<Stretch>& stretches_;
  std::vector<double>& idle_ns_;
  std::size_t next_ = 0;
};

// Adds one device's work and idle time. Devices have clocks of their own.
void add_timeline(DeviceTimeline& timeline, const Profile& profile, const std::vector<Enqueued>& work,
                  const std::vector<Stretch>& stretches) {
  const std::vector<double> offsets = clock_offsets(work);
  Attribution attribution(stretches, timeline.idle_ns);
  attribution.add(static_cast<double>(profile.start), work.front().host);
  const double event_ns = profile.cost.device_ns;
  for (std::size_t i = 0; i < work.size(); ++i) {
    const double start = work[i].start - offsets[i];
    timeline.work.push_back({work[i].record, start, work[i].end - offsets[i]});
    timeline.timer_ns += std::min(work[i].end - work[i].start, event_ns);
    if (i == 0) continue;
    const double between = std::max(work[i].start - work[i - 1].end, 0.0);
    const double gap = std::max(between - event_ns, 0.0);
    timeline.timer_ns += between - gap;
    const double waited = std::clamp(work[i].host - (start - gap), 0.0, gap);
    attribution.add(start - gap, start - gap + waited);
    timeline.dispatch_idle_ns += gap - waited;
  }
  const double end = timeline.work.back().end;
  attribution.add(end, std::numeric_limits<double>::max());
  timeline.behind_ns += std::max(end - host_end(profile), 0.0);
}

}  // namespace

DeviceTimeline device_timeline(const Profile& profile) {
  DeviceTimeline timeline;
  if (profile.device_clock.empty()) return timeline;
  timeline.idle_ns.resize(profile.records.size());
  std::set<std::uint8_t> devices;
  for (std::size_t i = 0; i < profile.records.size(); ++i)
    if (has_start(profile.records[i])) devices.insert(device_index_of(profile, i));
  timeline.devices = static_cast<int>(devices.size());
  if (devices.empty()) return timeline;
  const std::vector<Stretch> stretches = host_stretches(profile);
  for (const std::uint8_t device : devices)
    add_timeline(timeline, profile, enqueued_work(profile, device), stretches);
  if (devices.size() > 1)
    std::sort(timeline.work.begin(), timeline.work.end(),
              [](const auto& a, const auto& b) { return a.record < b.record; });
  return timeline;
}

double device_wall_ns(const Profile& profile, const DeviceTimeline& timeline) {
  double used_ns = timeline.timer_ns + timeline.dispatch_idle_ns;
  for (const Record& record : profile.records)
    used_ns += std::max(record.device_ns - profile.cost.device_ns, 0.0);
  used_ns = std::accumulate(timeline.idle_ns.begin(), timeline.idle_ns.end(), used_ns);
  const auto host_ns = static_cast<double>(profile.wall_ns);
  return std::max(host_ns * std::max(timeline.devices, 1) + timeline.behind_ns, used_ns);
}

}  // namespace metron::detail
