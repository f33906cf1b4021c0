#include <metron/core/error.h>
#include <metron/core/io/atomic_file.h>
#include <metron/core/io/gzip.h>
#include <metron/core/text_table.h>
#include <metron/core/trace.h>

#include <nlohmann/json.hpp>
#include <string_view>

namespace metron {
namespace {

// Tracks are shown in this order. 0 would be hidden by some viewers.
constexpr int ops_track = 1;
constexpr int steps_track = 2;

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// From nanoseconds, exactly.
std::string microseconds(std::int64_t ns) {
  std::string fraction = std::to_string(ns % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  return std::to_string(ns / 1000) + '.' + fraction;
}

class Writer {
 public:
  explicit Writer(const Profile& profile) : profile_(profile) {
    add_names();
    for (const ProfiledStep& step : profile.steps) add_step(step);
    for (std::size_t i = 0; i < profile.records.size(); ++i) add_record(i);
    for (const MemoryEvent& event : profile.memory) add_memory(event);
  }

  std::string finish() {
    text_ += "\n],\n\"displayTimeUnit\":\"ns\",\n\"otherData\":{";
    text_ +=
        "\"program\":" + json_string(profile_.program) + ",\"wall_ns\":" + std::to_string(profile_.wall_ns);
    const TimerCost& cost = profile_.cost;
    const std::pair<const char*, double> costs[]{
        {"op_ns", cost.op_ns},         {"op_inside_ns", cost.op_inside_ns},
        {"kernel_ns", cost.kernel_ns}, {"kernel_inside_ns", cost.kernel_inside_ns},
        {"memory_ns", cost.memory_ns}, {"noise_ns", cost.noise_ns}};
    for (const auto& [name, value] : costs)
      text_ += ",\"timer_" + std::string(name) + "\":" + shortest(value);
    return std::move(text_) + "}}\n";
  }

 private:
  // An event's beginning, up to and without the closing brace.
  void open_event(char type, int track) {
    text_ += first_ ? "\n" : ",\n";
    first_ = false;
    text_ += "{\"ph\":\"";
    text_ += type;
    text_ += "\",\"pid\":1,\"tid\":" + std::to_string(track);
  }
  void add_times(std::int64_t start, std::int64_t end) {
    text_ += ",\"ts\":" + microseconds(start - profile_.start) + ",\"dur\":" + microseconds(end - start);
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
      add_arrow(index);
  }

  void add_arguments(std::size_t index) {
    const Record& record = profile_.records[index];
    text_ += ",\"args\":{\"record\":" + std::to_string(index);
    if (record.module != 0) text_ += ",\"module\":" + json_string(profile_.strings[record.module]);
    if (record.first) text_ += ",\"first\":1";
    if (record.kind == RecordKind::kernel) {
      text_ += ",\"provider\":" + json_string(record.provider == nullptr ? "stopped" : record.provider);
      text_ += ",\"operands\":" + json_string(profile_.strings[record.signature]);
      text_ += ",\"bytes\":" + shortest(record.bytes) + ",\"flops\":" + shortest(record.flops);
      if (record.device_ns >= 0) text_ += ",\"device_us\":" + shortest(record.device_ns * 1e-3);
    }
    text_ += '}';
  }

  // An op inside of a backward op belongs to the same forward op: one arrow for both.
  bool is_outermost_backward(const Record& record) const {
    const std::int32_t around = op_of(profile_, record.parent);
    return around < 0 || profile_.records[static_cast<std::size_t>(around)].forward != record.forward;
  }

  // A flow has a number of its own. Its ends bind to the slices that contain them: just inside of both.
  void add_arrow(std::size_t index) {
    const Record& to = profile_.records[index];
    const Record& from = profile_.records[static_cast<std::size_t>(to.forward)];
    const auto end = [&](char type, std::int64_t time, const char* binding) {
      open_event(type, ops_track);
      text_ += ",\"cat\":\"backward\",\"name\":\"backward\",\"id\":" + std::to_string(index) +
               ",\"ts\":" + microseconds(time - profile_.start) + binding + '}';
    };
    end('s', from.start, "");
    end('f', to.start, ",\"bp\":\"e\"");
  }

  void add_memory(const MemoryEvent& event) {
    open_event('C', 0);
    text_ += std::string(",\"name\":\"") + name_of(event.device) +
             " memory\",\"ts\":" + microseconds(event.time - profile_.start) +
             ",\"args\":{\"live bytes\":" + std::to_string(event.live) + "}}";
  }

  const Profile& profile_;
  std::string text_ = "{\"traceEvents\":[";
  bool first_ = true;
};

}  // namespace

std::string to_trace(const Profile& profile) { return Writer(profile).finish(); }

void write_trace(const Profile& profile, const std::filesystem::path& path) {
  const std::string text = to_trace(profile);
  AtomicFile file(path);
  file.write(path.extension() == ".gz" ? gzip(text) : text);
  file.commit();
}

}  // namespace metron
