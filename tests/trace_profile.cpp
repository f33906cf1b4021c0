#include "trace_profile.h"

#include <gtest/gtest.h>

#include <cmath>

namespace metron::test {

std::int64_t ns(const Json& microseconds) { return std::llround(microseconds.get<double>() * 1e3); }

std::vector<Json> events_of(const Json& trace, const std::string& type, const std::string& category,
                            int process) {
  std::vector<Json> events;
  for (const Json& event : trace.at("traceEvents")) {
    if (event.at("ph") == type && (process == 0 || event.at("pid") == process) &&
        (category.empty() || event.at("cat").get<std::string>().find(category) == 0))
      events.push_back(event);
  }
  return events;
}

std::vector<Slice> nested_slices(const Json& trace, int process) {
  std::vector<Slice> slices;
  for (const Json& event : events_of(trace, "X", "", process)) {
    if (event.at("cat") == "step") continue;
    slices.push_back({event, ns(event.at("ts")), ns(event.at("ts")) + ns(event.at("dur"))});
  }
  std::vector<int> open;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    while (!open.empty() && slices[static_cast<std::size_t>(open.back())].end <= slices[i].start &&
           slices[static_cast<std::size_t>(open.back())].end < slices[i].end)
      open.pop_back();
    if (!open.empty()) {
      slices[i].parent = open.back();
      EXPECT_LE(slices[i].end, slices[static_cast<std::size_t>(open.back())].end)
          << slices[i].event << " extends beyond " << slices[static_cast<std::size_t>(open.back())].event;
    }
    open.push_back(static_cast<int>(i));
  }
  return slices;
}

Profile profile_of(const Json& trace, const Json& other, int process) {
  Profile rebuilt;
  rebuilt.wall_ns = other.at("wall_ns");
  rebuilt.cost = {other.at("timer_op_ns"),     other.at("timer_op_inside_ns"),
                  other.at("timer_kernel_ns"), other.at("timer_kernel_inside_ns"),
                  other.at("timer_memory_ns"), other.at("timer_noise_ns")};
  const std::vector<Slice> slices = nested_slices(trace, process);
  for (const Slice& slice : slices) {
    Record record;
    const auto category = slice.event.at("cat").get<std::string>();
    auto name = slice.event.at("name").get<std::string>();
    for (const RecordKind kind : {RecordKind::op, RecordKind::kernel, RecordKind::range}) {
      if (category.starts_with(name_of(kind))) record.kind = kind;
    }
    for (const Phase phase : {Phase::forward, Phase::backward, Phase::optimizer}) {
      if (category.ends_with(name_of(phase))) record.phase = phase;
    }
    if (record.kind == RecordKind::op && record.phase == Phase::backward)
      name.resize(name.size() - std::string(" backward").size());
    record.name = immortal(name);
    record.parent = slice.parent;
    record.start = slice.start;
    record.end = slice.end;
    const Json& arguments = slice.event.at("args");
    record.first = arguments.contains("first");
    if (record.kind == RecordKind::kernel) {
      record.provider = immortal(arguments.at("provider").get<std::string>());
      record.bytes = arguments.at("bytes");
      record.flops = arguments.at("flops");
    }
    rebuilt.records.push_back(record);
  }
  for (const Json& count : events_of(trace, "C", "", process)) {
    MemoryEvent event;
    event.time = ns(count.at("ts"));
    const auto live = count.at("args").at("live bytes").get<std::int64_t>();
    event.delta = rebuilt.memory.empty() ? 0 : live - rebuilt.memory.back().live;
    event.live = live;
    for (std::size_t i = 0; i < slices.size() && slices[i].start <= event.time; ++i) {
      if (slices[i].end >= event.time)
        event.record = static_cast<std::int32_t>(i);  // the innermost comes last
    }
    rebuilt.memory.push_back(event);
  }
  for (const Json& event : events_of(trace, "X", "step", process)) {
    const std::int64_t start = ns(event.at("ts"));
    rebuilt.steps.push_back(
        {static_cast<std::int64_t>(rebuilt.steps.size()), start, start + ns(event.at("dur"))});
  }
  return rebuilt;
}

}  // namespace metron::test
