#include <metron/core/error.h>
#include <metron/core/io/atomic_file.h>
#include <metron/core/io/gzip.h>
#include <metron/core/profiler/internal/record_times.h>
#include <metron/core/profiler/internal/text_table.h>
#include <metron/core/profiler/internal/views.h>
#include <metron/core/profiler/trace.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

namespace metron {
namespace {

// In display order. Some viewers hide track 0.
constexpr int ops_track = 1;
constexpr int steps_track = 2;
constexpr int device_track = 3;  // and following ones, one per device

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Exact conversion from nanoseconds.
std::string microseconds(std::int64_t ns) {
  std::string fraction = std::to_string(ns % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  return std::to_string(ns / 1000) + '.' + fraction;
}

// The indices of the devices with device times.
std::vector<std::uint8_t> devices_of(const Profile& profile) {
  std::set<std::uint8_t> indices;
  for (std::size_t i = 0; i < profile.records.size(); ++i)
    if (profile.records[i].device_ns >= 0) indices.insert(device_index_of(profile, i));
  return {indices.begin(), indices.end()};
}

// The coordinates of a profile in a trace.
struct Origin {
  int process = 1;
  std::int64_t start = 0;          // time 0 of the trace, in ns of the steady clock
  std::int64_t first_flow_id = 0;  // flow ids used by preceding profiles
};

// The events of one profile.
class Writer {
 public:
  Writer(const Profile& profile, const detail::DeviceTimeline& timeline, const Origin& origin)
      : profile_(profile), origin_(origin) {
    add_names();
    for (const ProfiledStep& step : profile.steps) add_step(step);
    for (std::size_t i = 0; i < profile.records.size(); ++i) add_record(i);
    if (!profile.device_clock.empty()) add_device_work(timeline);
    for (const MemoryEvent& event : profile.memory) add_memory(event);
  }
  std::string finish() { return std::move(text_); }

 private:
  // The beginning of an event, without the closing brace.
  void open_event(char type, int track) {
    text_ += first_ ? "\n" : ",\n";
    first_ = false;
    text_ += "{\"ph\":\"";
    text_ += type;
    text_ += "\",\"pid\":" + std::to_string(origin_.process) + ",\"tid\":" + std::to_string(track);
  }
  void add_times(std::int64_t start, std::int64_t end) {
    text_ += ",\"ts\":" + microseconds(start - origin_.start) + ",\"dur\":" + microseconds(end - start);
  }

  void add_names() {
    const auto metadata = [this](const char* what, int track, const std::string& argument) {
      open_event('M', track);
      text_ += std::string(",\"name\":\"") + what + "\",\"args\":{" + argument + "}}";
    };
    metadata("process_name", 0,
             "\"name\":" + json_string(profile_.program.empty() ? "metron" : profile_.program));
    metadata("thread_name", ops_track, "\"name\":\"ops and kernels\"");
    metadata("thread_sort_index", ops_track, "\"sort_index\":1");
    if (!profile_.device_clock.empty()) {
      const std::vector<std::uint8_t> devices = devices_of(profile_);
      for (const std::uint8_t device : devices) {
        const std::string number = devices.size() > 1 ? ", device " + std::to_string(device) : "";
        metadata("thread_name", device_track + device,
                 "\"name\":" + json_string(profile_.device_clock + number));
        metadata("thread_sort_index", device_track + device, "\"sort_index\":" + std::to_string(2 + device));
      }
    }
    if (profile_.steps.empty()) return;
    metadata("thread_name", steps_track, "\"name\":\"steps\"");
    metadata("thread_sort_index", steps_track, "\"sort_index\":0");
  }

  void add_step(const ProfiledStep& step) {
    open_event('X', steps_track);
    text_ += ",\"cat\":\"step\",\"name\":\"step " + std::to_string(step.number) + '"';
    add_times(step.start, step.end);
    text_ += '}';
  }

  // Kernels and copies of each device in stream order. They don't overlap, whatever the rounding of their
  // times.
  void add_device_work(const detail::DeviceTimeline& timeline) {
    std::map<std::uint8_t, double> free_from;  // by device
    for (const auto& [index, start, end] : timeline.work) {
      const Record& record = profile_.records[static_cast<std::size_t>(index)];
      const std::uint8_t device = device_index_of(profile_, static_cast<std::size_t>(index));
      double& free_at = free_from.try_emplace(device, static_cast<double>(origin_.start)).first->second;
      const double begin = std::max(start, free_at);
      free_at = std::max(end, begin);
      open_event('X', device_track + device);
      text_ += ",\"cat\":\"" + clock_label(profile_.device_clock) + ',' + name_of(record.kind) +
               "\",\"name\":" + json_string(record.name);
      add_times(static_cast<std::int64_t>(begin), static_cast<std::int64_t>(free_at));
      text_ += ",\"args\":{\"record\":" + std::to_string(index) + "}}";
    }
  }

  void add_record(std::size_t index) {
    const Record& record = profile_.records[index];
    open_event('X', ops_track);
    text_ += std::string(",\"cat\":\"") + name_of(record.kind) + ',' + name_of(record.phase) + "\",\"name\":";
    const bool backward_op = record.kind == RecordKind::op && record.phase == Phase::backward;
    text_ += json_string(record.name + std::string(backward_op ? " backward" : ""));
    add_times(record.start, record.end);
    add_arguments(index);
    text_ += '}';
    if (record.kind == RecordKind::op && record.forward >= 0 && is_outermost_backward(record))
      add_flow(index);
  }

  void add_arguments(std::size_t index) {
    const Record& record = profile_.records[index];
    text_ += ",\"args\":{\"record\":" + std::to_string(index);
    if (record.module != 0) text_ += ",\"module\":" + json_string(profile_.strings[record.module]);
    if (record.first) text_ += ",\"first\":1";
    if (detail::is_device_work(record)) {
      text_ += ",\"provider\":" + json_string(record.provider == nullptr ? "stopped" : record.provider);
      text_ += ",\"operands\":" + json_string(profile_.strings[record.signature]);
      text_ += ",\"bytes\":" + shortest(record.bytes) + ",\"flops\":" + shortest(record.flops);
      if (record.device_ns >= 0)
        text_ += ",\"" + clock_label(profile_.device_clock) + "_us\":" + shortest(record.device_ns * 1e-3);
    }
    text_ += '}';
  }

  // Nested backward ops of one forward op share a single flow.
  bool is_outermost_backward(const Record& record) const {
    const std::int32_t around = op_of(profile_, record.parent);
    return around < 0 || profile_.records[static_cast<std::size_t>(around)].forward != record.forward;
  }

  // A flow has a unique id. Its two ends bind to the slices that enclose their timestamps.
  void add_flow(std::size_t index) {
    const Record& to = profile_.records[index];
    const Record& from = profile_.records[static_cast<std::size_t>(to.forward)];
    const auto end = [&](char type, std::int64_t time, const char* binding) {
      open_event(type, ops_track);
      text_ += ",\"cat\":\"backward\",\"name\":\"backward\",\"id\":" +
               std::to_string(origin_.first_flow_id + static_cast<std::int64_t>(index)) +
               ",\"ts\":" + microseconds(time - origin_.start) + binding + '}';
    };
    end('s', from.start, "");
    end('f', to.start, ",\"bp\":\"e\"");
  }

  void add_memory(const MemoryEvent& event) {
    open_event('C', 0);
    text_ += std::string(",\"name\":\"") + name_of(event.device) +
             " memory\",\"ts\":" + microseconds(event.time - origin_.start) +
             ",\"args\":{\"live bytes\":" + std::to_string(event.live) + "}}";
  }

  const Profile& profile_;
  Origin origin_;
  std::string text_;
  bool first_ = true;
};

// Totals, with which the ranking can be computed from the trace alone.
std::string totals(const Profile& profile) {
  std::string text =
      "\"program\":" + json_string(profile.program) + ",\"wall_ns\":" + std::to_string(profile.wall_ns);
  const TimerCost& cost = profile.cost;
  const std::pair<const char*, double> costs[]{
      {"op_ns", cost.op_ns},         {"op_inside_ns", cost.op_inside_ns},
      {"kernel_ns", cost.kernel_ns}, {"kernel_inside_ns", cost.kernel_inside_ns},
      {"memory_ns", cost.memory_ns}, {"noise_ns", cost.noise_ns}};
  if (!profile.device_clock.empty())
    text += ",\"device_clock\":" + json_string(profile.device_clock) +
            ",\"timer_clock_ns\":" + shortest(cost.device_ns) +
            ",\"timer_clock_noise_ns\":" + shortest(cost.device_noise_ns) +
            ",\"timer_events_ns\":" + shortest(cost.events_ns);
  for (const auto& [name, value] : costs) text += ",\"timer_" + std::string(name) + "\":" + shortest(value);
  return text;
}

std::string make_trace(const std::string& events, const std::string& other) {
  return "{\"traceEvents\":[" + events + "\n],\n\"displayTimeUnit\":\"ns\",\n\"otherData\":{" + other +
         "}}\n";
}

}  // namespace

std::string to_trace(const Profile& profile) {
  return detail::to_trace(profile, detail::device_timeline(profile));
}

std::string detail::to_trace(const Profile& profile, const DeviceTimeline& timeline) {
  return make_trace(Writer(profile, timeline, {.start = profile.start}).finish(), totals(profile));
}

std::string to_trace(std::span<const Profile> profiles) {
  Origin origin{.process = 0, .start = profiles.empty() ? 0 : profiles.front().start};
  for (const Profile& profile : profiles) origin.start = std::min(origin.start, profile.start);
  std::string events, other;
  for (const Profile& profile : profiles) {
    ++origin.process;
    events +=
        (events.empty() ? "" : ",") + Writer(profile, detail::device_timeline(profile), origin).finish();
    other += (other.empty() ? "{" : ",{") + totals(profile) + '}';
    origin.first_flow_id += static_cast<std::int64_t>(profile.records.size());
  }
  return make_trace(events, "\"profiles\":[" + other + ']');
}

void write_trace(const Profile& profile, const std::filesystem::path& path) {
  const std::string text = to_trace(profile);
  replace_file(path, path.extension() == ".gz" ? gzip(text) : text);
}

}  // namespace metron
