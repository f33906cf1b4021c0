#include <metron/core/error.h>
#include <metron/core/nvtx.h>
#include <metron/core/profiler_state.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <utility>

namespace metron {
namespace {

using detail::recorded_thread;
using detail::recorder;
using detail::recorder_lock;
using Activity = Schedule::Activity;
using Lock = std::lock_guard<detail::SpinLock>;

constexpr std::size_t reserved_records = 1 << 14;  // so that growing the list is not measured as an op's time

// Who may record: claimed by start(), given up by stop().
std::atomic<Profiler*> claimed{nullptr};

std::uint32_t next_run() {
  static std::atomic<std::uint32_t> runs{0};
  return ++runs;
}

std::uint64_t next_session() {
  static std::atomic<std::uint64_t> sessions{0};
  return ++sessions;
}

bool is_recorded(Activity activity) {
  return activity == Activity::recording || activity == Activity::warming_up;
}

std::array<std::unique_ptr<DeviceClock>, Device::type_count>& device_clocks() {
  static std::array<std::unique_ptr<DeviceClock>, Device::type_count> clocks;
  return clocks;
}

void resolve(Record& record) {
  if (record.ticket < 0) return;
  DeviceClock& clock = *detail::device_clock(record.device);
  record.device_ns = clock.resolve_ns(static_cast<std::uint32_t>(record.ticket));
  record.ticket = -1;
}

void set_instruments(std::uint32_t bits) {
  detail::active_instruments.fetch_and(~(instrument_timer | instrument_steps));
  detail::active_instruments.fetch_or(bits);
}

}  // namespace

namespace detail {

SpinLock recorder_lock;
std::atomic<std::uint64_t> recorded_thread{0};
Profiler::State* recorder = nullptr;

std::uint64_t this_thread_number() {
  static std::atomic<std::uint64_t> threads{0};
  thread_local std::uint64_t number = 0;
  if (number == 0) number = ++threads;
  return number;
}

DeviceClock* device_clock(Device::Type type) { return device_clocks()[static_cast<std::size_t>(type)].get(); }

Recording::Recording() {
  const std::uint64_t thread = this_thread_number();
  if (recorded_thread.load(std::memory_order_relaxed) != thread) return;
  recorder_lock.lock();
  if (recorded_thread.load(std::memory_order_relaxed) == thread) {
    state_ = recorder;
  } else {
    recorder_lock.unlock();  // stopped by another thread just now
  }
}

}  // namespace detail

void install_device_clock(Device::Type type, std::unique_ptr<DeviceClock> clock) {
  device_clocks()[static_cast<std::size_t>(type)] = std::move(clock);
}

std::int64_t steady_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// ---- The recorder's state; all of it under the lock once the profiler runs

std::uint32_t Profiler::State::intern(const std::string& text) {
  const auto [found, added] = ids.try_emplace(text, static_cast<std::uint32_t>(profile.strings.size()));
  if (added) profile.strings.push_back(text);
  return found->second;
}

std::uint32_t Profiler::State::intern(const Signature& signature) {
  const auto [found, added] = signatures.try_emplace(signature.hash, 0);
  if (added) found->second = intern(signature.to_string());
  return found->second;
}

std::int32_t Profiler::State::innermost_op() const { return op_of(profile, open); }

void Profiler::State::begin_recording() {
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
  recorder = this;
  recorded_thread = thread;
}

void Profiler::State::end_recording(bool keep) {
  const std::int64_t now = steady_now_ns();
  if (open >= 0) {
    std::int32_t outermost = open;
    while (profile.records[static_cast<std::size_t>(outermost)].parent >= 0)
      outermost = profile.records[static_cast<std::size_t>(outermost)].parent;
    detail::close_record(*this, outermost, now);
  }
  recorder = nullptr;
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

// Keeps the first ones. A device's clock wants to be asked once for each ticket.
void Profiler::State::drop_records(std::size_t records, std::size_t memory) {
  std::for_each(profile.records.begin() + static_cast<std::ptrdiff_t>(records), profile.records.end(),
                resolve);
  profile.records.resize(records);
  profile.memory.resize(memory);
  session = next_session();
}

// ---- The profiler

Profiler::Profiler(const Schedule& schedule, OnCycle on_cycle) : state_(std::make_unique<State>()) {
  schedule.validate();
  state_->schedule = schedule;
  state_->on_cycle = std::move(on_cycle);
  state_->session = next_session();
}

Profiler::~Profiler() { stop(); }

bool Profiler::running() const { return state_->running.load(std::memory_order_acquire); }

void Profiler::start() {
  detail::start_environment_profile_once();
  Profiler* nobody = nullptr;
  check<Error>(claimed.compare_exchange_strong(nobody, this), "profiler", "one is running already; ",
               detail::environment_profile_runs()
                   ? "METRON_PROFILE asked for it, so start none in the program"
                   : "stop it first");
  State& state = *state_;
  try {
    detail::nvtx_wanted();  // an error that no op is to meet
    state.profile.cost = measure_timer_cost();
  } catch (...) {
    claimed = nullptr;
    throw;
  }
  const Lock lock(recorder_lock);
  state.thread = detail::this_thread_number();
  state.step = 0;
  state.running = true;
  enter(state.schedule.at(0));
}

// What the schedule wants from now on; with the lock held.
void Profiler::enter(Schedule::Activity activity) {
  State& state = *state_;
  if (activity == Activity::done) {
    leave();
    return;
  }
  if (is_recorded(activity) && !state.recording && !state.profile.truncated) state.begin_recording();
  set_instruments(state.recording ? instrument_timer : instrument_steps);
  state.step_start = steady_now_ns();
}

void Profiler::leave() {
  set_instruments(0);
  state_->running = false;
  claimed = nullptr;
}

void Profiler::step() {
  State& state = *state_;
  check<Error>(running(), "profiler", "step() wants a running profiler");
  check<Error>(state.thread == detail::this_thread_number(), "profiler",
               "step() belongs to the thread that started the profiler");
  const Activity activity = state.schedule.at(state.step);
  const bool hand_over = state.schedule.ends_cycle(state.step) && state.on_cycle != nullptr;
  const Activity next = state.schedule.at(state.step + 1);
  {
    const Lock lock(recorder_lock);
    if (!state.running) return;  // by another thread, just now
    const std::int64_t now = steady_now_ns();
    if (activity == Activity::recording) state.profile.steps.push_back({state.step, state.step_start, now});
    if (state.recording && (next != activity || hand_over))
      state.end_recording(activity == Activity::recording);
    if (!state.recording) set_instruments(instrument_steps);
    ++state.step;
  }
  if (hand_over) {
    state.on_cycle(*this);
    drop_all();
  }
  const Lock lock(recorder_lock);
  if (state.running) enter(next);
}

void Profiler::stop() {
  const Lock lock(recorder_lock);
  State& state = *state_;
  if (!state.running) return;
  if (state.recording) state.end_recording(state.schedule.at(state.step) == Activity::recording);
  leave();
}

void Profiler::drop_all() {
  State& state = *state_;
  state.drop_records(0, 0);
  state.profile.module_calls.clear();
  state.profile.steps.clear();
  state.profile.truncated = false;
  state.profile.start = state.profile.wall_ns = state.finished_wall_ns = 0;
}

void Profiler::clear() {
  check<Error>(!running(), "profiler", "stop it before it is cleared");
  drop_all();
}

const Profile& Profiler::profile() const {
  State& state = *state_;
  for (Record& record : state.profile.records) resolve(record);
  if (state.recording) state.profile.wall_ns = state.finished_wall_ns + steady_now_ns() - state.run_start;
  return state.profile;
}

const std::string& Profiler::string(std::uint32_t id) const { return state_->profile.strings.at(id); }

}  // namespace metron
