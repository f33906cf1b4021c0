// Events have only device times. Work can't begin before the host has enqueued it, and work that finds its
// stream empty begins right then. The smallest difference between the two clocks is therefore their offset. A
// wait empties the stream, so each stretch between two waits has its own offset, and a drift doesn't add up.
#include <metron/core/profiler/internal/device_timeline.h>

#include <algorithm>
#include <cstddef>
#include <limits>
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

// Work in device time, in stream order, with the host time at which it was enqueued.
struct Enqueued {
  std::int32_t record;
  double host, start, end;
  bool after_wait;  // the first one since the host waited
};

std::vector<Enqueued> enqueued_work(const Profile& profile) {
  std::vector<Enqueued> work;
  std::int64_t wait_end = std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0; i < profile.records.size(); ++i) {
    const Record& record = profile.records[i];
    if (record.kind == RecordKind::wait) wait_end = record.end;
    if (record.device_start < 0 || record.device_ns < 0) continue;
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
  Attribution(const Profile& profile, std::vector<double>& idle_ns)
      : stretches_(host_stretches(profile)), idle_ns_(idle_ns) {}
  void add(double from, double to) {
    while (next_ < stretches_.size() && stretches_[next_].end <= from) ++next_;
    for (std::size_t i = next_; i < stretches_.size() && stretches_[i].start < to; ++i) {
      const double shared = std::min(to, stretches_[i].end) - std::max(from, stretches_[i].start);
      if (stretches_[i].op >= 0 && shared > 0) idle_ns_[static_cast<std::size_t>(stretches_[i].op)] += shared;
    }
  }

 private:
  std::vector<Stretch> stretches_;
  std::vector<double>& idle_ns_;
  std::size_t next_ = 0;
};

}  // namespace

DeviceTimeline device_timeline(const Profile& profile) {
  DeviceTimeline timeline;
  timeline.idle_ns.resize(profile.records.size());
  const std::vector<Enqueued> work = enqueued_work(profile);
  if (work.empty()) return timeline;
  const std::vector<double> offsets = clock_offsets(work);
  Attribution attribution(profile, timeline.idle_ns);
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
  attribution.add(timeline.work.back().end, std::numeric_limits<double>::max());
  return timeline;
}

}  // namespace metron::detail
