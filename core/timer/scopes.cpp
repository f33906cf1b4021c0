// Scopes open and close records.
#include <metron/core/timer/clock.h>
#include <metron/core/timer/internal/call_site.h>
#include <metron/core/timer/internal/hooks.h>
#include <metron/core/timer/internal/recorder.h>
#include <metron/core/timer/profile_range.h>
#include <metron/core/timer/scopes.h>

#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace metron {
namespace {

using detail::Recording;

thread_local Phase phase_here = Phase::forward;

Record& at(detail::Recorder& recorder, std::int32_t index) {
  return recorder.profile.records[static_cast<std::size_t>(index)];
}

void set_device(detail::Recorder& recorder, std::int32_t index, Device device) {
  at(recorder, index).device = device.type();
  if (device.index() == 0) return;
  const auto position = static_cast<std::size_t>(index);
  std::vector<std::uint8_t>& indices = recorder.profile.device_indices;
  if (indices.size() <= position) indices.resize(position + 1);
  indices[position] = static_cast<std::uint8_t>(device.index());
}

// Whether this is the first recorded call in the process; later calls are warm. Requires the recorder lock.
bool is_first_call(const char* slot, const char* provider, std::uint64_t signature) {
  static std::unordered_set<std::uint64_t> seen;
  const auto mix = [](std::uint64_t h, const void* p) {
    return (h ^ reinterpret_cast<std::uintptr_t>(p)) * 0x9E3779B97F4A7C15u;
  };
  return seen.insert(mix(mix(signature, slot), provider)).second;
}

// The backward of a self-adjoint op calls the op itself (dropout, contiguous): record it once, not nested.
bool is_its_own_backward(const detail::Recorder& recorder, const char* name) {
  if (phase_here != Phase::backward || recorder.open < 0) return false;
  const Record& around = recorder.profile.records[static_cast<std::size_t>(recorder.open)];
  return around.kind == RecordKind::op && std::string_view(around.name) == name;
}

}  // namespace

CallSite& call_site() {
  thread_local CallSite here;
  return here;
}

BackwardScope::BackwardScope(const ForwardCall* call) : active_(call != nullptr) {
  if (active_) outer_ = std::exchange(call_site(), {.ops = {}, .module = call->module, .forward = call});
}

BackwardScope::~BackwardScope() {
  if (active_) call_site() = std::move(outer_);
}

void OpScope::begin(const char* name) {
  if ((instruments() & instrument_anomaly) != 0) {
    call_site().ops.push_back(name);
    on_call_site_ = true;
  }
  if ((instruments() & instrument_timer) == 0) return;
  detail::start_environment_profile_once();
  const Recording recording;
  if (!recording || is_its_own_backward(*recording, name)) return;
  index_ = detail::open_record(*recording, name, RecordKind::op, phase_here);
  if (index_ >= 0) run_ = recording->run;
}

void OpScope::end() {
  if (on_call_site_) call_site().ops.pop_back();
  if (run_ == 0) return;
  const std::int64_t now = steady_now_ns();
  const Recording recording;
  if (recording && recording->run == run_) detail::close_record(*recording, index_, now);
}

void ProfileRange::begin(std::string_view name) {
  detail::start_environment_profile_once();
  const char* const kept = immortal(name);
  const Recording recording;
  if (!recording) return;
  index_ = detail::open_record(*recording, kept, RecordKind::range, phase_here);
  if (index_ >= 0) run_ = recording->run;
}

void ProfileRange::end() {
  const std::int64_t now = steady_now_ns();
  const Recording recording;
  if (recording && recording->run == run_) detail::close_record(*recording, index_, now);
}

void ModuleScope::begin(const char* name) {
  if ((instruments() & instrument_anomaly) != 0) {
    std::string& path = call_site().module;
    path_size_ = static_cast<std::uint32_t>(path.size());
    if (*name != '\0') path.append(path.empty() ? "" : ".").append(name);
    on_call_site_ = true;
  }
  if ((instruments() & instrument_timer) == 0) return;
  detail::start_environment_profile_once();
  const Recording recording;
  if (!recording) return;
  Profile& profile = recording->profile;
  run_ = recording->run;
  previous_ = recording->module;
  if (*name != '\0') {
    const std::string& outer = profile.strings[previous_];
    recording->module = recording->intern(outer.empty() ? name : outer + '.' + name);
  }
  if (profile.module_calls.size() <= recording->module) profile.module_calls.resize(recording->module + 1);
  ++profile.module_calls[recording->module];
}

void ModuleScope::end() {
  if (on_call_site_) call_site().module.resize(path_size_);
  if (run_ == 0) return;
  const Recording recording;
  if (recording && recording->run == run_) recording->module = previous_;
}

PhaseScope::PhaseScope(Phase phase, const RecordPosition& forward)
    : previous_phase_(std::exchange(phase_here, phase)) {
  if ((instruments() & instrument_timer) == 0) return;
  const Recording recording;
  if (!recording) return;
  run_ = recording->run;
  const bool known = recording->session == forward.session;
  previous_forward_ = std::exchange(recording->forward, known ? forward.op : -1);
  previous_module_ = std::exchange(recording->module, known ? forward.module : 0);
}

PhaseScope::~PhaseScope() {
  const bool steps = phase_here == Phase::optimizer && previous_phase_ != Phase::optimizer;
  phase_here = previous_phase_;
  if (run_ != 0) {
    const Recording recording;
    if (recording && recording->run == run_) {
      recording->forward = previous_forward_;
      recording->module = previous_module_;
    }
  }
  if (steps && (instruments() & (instrument_timer | instrument_steps)) != 0) detail::optimizer_stepped();
}

RecordPosition current_position() {
  if ((instruments() & instrument_timer) == 0) return {};
  const Recording recording;
  if (!recording) return {};
  return {recording->session, op_of(recording->profile, recording->open), recording->module};
}

void WaitScope::begin(Device device) {
  const Recording recording;
  if (!recording) return;
  if (recording->open >= 0 && at(*recording, recording->open).kind == RecordKind::wait) return;
  index_ = detail::open_record(*recording, "wait", RecordKind::wait, phase_here);
  if (index_ < 0) return;
  set_device(*recording, index_, device);
  run_ = recording->run;
}

void WaitScope::end() {
  const std::int64_t now = steady_now_ns();
  const Recording recording;
  if (recording && recording->run == run_) detail::close_record(*recording, index_, now);
}

KernelTimer::KernelTimer(const char* slot, Device device, RecordKind kind) : device_(device) {
  detail::start_environment_profile_once();
  const Recording recording;
  if (!recording) return;
  // Before opening the record, because it may throw.
  if (DeviceClock* clock = detail::device_clock(device.type()); clock != nullptr)
    ticket_ = clock->begin(device);
  index_ = detail::open_record(*recording, slot, kind, phase_here);
  if (index_ >= 0) {
    run_ = recording->run;
  } else if (ticket_ >= 0) {
    detail::device_clock(device.type())->end(device, static_cast<std::uint32_t>(ticket_));
    discard();
  }
}

void KernelTimer::stop() {
  if (run_ == 0 || end_ != 0) return;  // the destructor repeats it after an exception
  if (ticket_ >= 0) detail::device_clock(device_.type())->end(device_, static_cast<std::uint32_t>(ticket_));
  end_ = steady_now_ns();
}

void KernelTimer::finish(const char* provider, const Signature& signature, double bytes, double flops) {
  if (run_ == 0) return;
  const Recording recording;
  if (!recording || recording->run != run_) {
    discard();
    return;
  }
  Record& record = at(*recording, index_);
  record.signature = recording->intern(signature);
  record.bytes = bytes;
  record.flops = flops;
  record.first = is_first_call(record.name, provider, signature.hash);
  for (std::int32_t i = record.parent; record.first && i >= 0; i = at(*recording, i).parent)
    at(*recording, i).first = true;
  complete(*recording, provider);
}

void KernelTimer::complete(detail::Recorder& recorder, const char* provider) {
  Record& record = at(recorder, index_);
  record.provider = provider;
  set_device(recorder, index_, device_);
  record.ticket = ticket_;
  detail::close_record(recorder, index_, end_);
  run_ = 0;
}

// The profiler has stopped in the meantime. The device clock still requires that the ticket is resolved.
void KernelTimer::discard() {
  run_ = 0;
  if (ticket_ >= 0) detail::device_clock(device_.type())->resolve_ns(static_cast<std::uint32_t>(ticket_));
}

KernelTimer::~KernelTimer() {
  if (run_ == 0) return;
  try {
    stop();
    const Recording recording;
    if (!recording || recording->run != run_) {
      discard();
    } else {
      complete(*recording, "failed");
    }
  } catch (...) {
    // The kernel's exception propagates. The record is closed with the enclosing one.
  }
}

}  // namespace metron
