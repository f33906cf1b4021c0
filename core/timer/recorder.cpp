#include <metron/core/timer/clock.h>
#include <metron/core/timer/internal/recorder.h>

#include <algorithm>
#include <new>
#include <utility>

namespace metron::detail {
namespace {

constexpr std::size_t reserved_records = 1 << 14;  // so that no op pays for growing the vector

std::uint32_t next_run() {
  static std::atomic<std::uint32_t> runs{0};
  return ++runs;
}

Record& at(Recorder& recorder, std::int32_t index) {
  return recorder.profile.records[static_cast<std::size_t>(index)];
}

}  // namespace

SpinLock recorder_lock;
std::atomic<std::uint64_t> recorded_thread{0};
Recorder* active_recorder = nullptr;

std::uint64_t next_session() {
  static std::atomic<std::uint64_t> sessions{0};
  return ++sessions;
}

std::uint64_t this_thread_number() {
  static std::atomic<std::uint64_t> threads{0};
  thread_local std::uint64_t number = 0;
  if (number == 0) number = ++threads;
  return number;
}

void resolve(Record& record) {
  if (record.ticket < 0) return;
  DeviceClock& clock = *device_clock(record.device);
  const DeviceInterval interval = clock.resolve(static_cast<std::uint32_t>(record.ticket));
  record.device_ns = interval.ns;
  record.device_start = interval.start_ns;
  record.ticket = -1;
}

Recording::Recording() {
  const std::uint64_t thread = this_thread_number();
  if (recorded_thread.load(std::memory_order_relaxed) != thread) return;
  recorder_lock.lock();
  if (recorded_thread.load(std::memory_order_relaxed) == thread) {
    recorder_ = active_recorder;
  } else {
    recorder_lock.unlock();  // stopped by another thread just now
  }
}

std::uint32_t Recorder::intern(const std::string& text) {
  const auto [found, added] = ids.try_emplace(text, static_cast<std::uint32_t>(profile.strings.size()));
  if (added) profile.strings.push_back(text);
  return found->second;
}

std::uint32_t Recorder::intern(const Signature& signature) {
  const auto [found, added] = signatures.try_emplace(signature.hash, 0);
  if (added) found->second = intern(signature.to_string());
  return found->second;
}

void Recorder::begin_recording() {
  profile.records.reserve(profile.records.size() + reserved_records);
  kept_records = profile.records.size();
  kept_memory = profile.memory.size();
  kept_module_calls = profile.module_calls;
  open = forward = -1;
  module = 0;
  run = next_run();
  recording = true;
  run_start = steady_now_ns();
  if (profile.start == 0) profile.start = run_start;
  active_recorder = this;
  recorded_thread = thread;
}

void Recorder::end_recording(bool keep) {
  const std::int64_t now = steady_now_ns();
  if (open >= 0) {
    std::int32_t outermost = open;
    while (at(*this, outermost).parent >= 0) outermost = at(*this, outermost).parent;
    close_record(*this, outermost, now);
  }
  active_recorder = nullptr;
  recorded_thread = 0;
  recording = false;
  if (keep) {
    finished_wall_ns += now - run_start;
    profile.wall_ns = finished_wall_ns;
  } else {
    drop_records(kept_records, kept_memory);
    profile.module_calls = kept_module_calls;
  }
}

// Truncates both lists. The device clock requires that every ticket is resolved.
void Recorder::drop_records(std::size_t records, std::size_t memory) {
  std::for_each(profile.records.begin() + static_cast<std::ptrdiff_t>(records), profile.records.end(),
                resolve);
  profile.records.resize(records);
  profile.device_indices.resize(std::min(profile.device_indices.size(), records));
  resolved = std::min(resolved, records);
  profile.memory.resize(memory);
  session = next_session();
}

void Recorder::resolve_completed() {
  for (; resolved < profile.records.size(); ++resolved) {
    Record& record = profile.records[resolved];
    if (record.ticket >= 0 &&
        !device_clock(record.device)->is_complete(static_cast<std::uint32_t>(record.ticket)))
      return;
    resolve(record);
  }
}

std::int32_t open_record(Recorder& recorder, const char* name, RecordKind kind, Phase phase) {
  if (recorder.profile.records.size() >= max_profile_records) [[unlikely]] {
    recorder.profile.truncated = true;
    recorder.end_recording(true);
    return -1;
  }
  const auto index = static_cast<std::int32_t>(recorder.profile.records.size());
  Record& record = recorder.profile.records.emplace_back();
  record.name = name;
  record.kind = kind;
  record.parent = std::exchange(recorder.open, index);
  record.forward = recorder.forward;
  record.module = recorder.module;
  record.phase = phase;
  if (recorder.ranges.push != nullptr) recorder.ranges.push(name);
  record.start = steady_now_ns();
  return index;
}

void close_record(Recorder& recorder, std::int32_t index, std::int64_t end) {
  std::int32_t inside = recorder.open;
  while (inside > index) inside = at(recorder, inside).parent;
  if (inside != index) return;  // already closed with an enclosing record
  // Ranges are thread-local: another thread that stops the profiler can't pop them.
  const bool pops = recorder.ranges.pop != nullptr && recorder.thread == this_thread_number();
  for (std::int32_t i = recorder.open; i >= index; i = at(recorder, i).parent) {
    at(recorder, i).end = end;
    if (pops) recorder.ranges.pop();
  }
  recorder.open = at(recorder, index).parent;
}

void record_memory(Device device, std::int64_t delta, std::int64_t live) noexcept {
  const Recording recording;
  if (!recording) return;
  try {
    recording->profile.memory.push_back({steady_now_ns(), delta, live, recording->open, device.type()});
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace metron::detail
