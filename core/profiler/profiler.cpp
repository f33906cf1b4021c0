#include <metron/core/error.h>
#include <metron/core/profiler/internal/nvtx.h>
#include <metron/core/profiler/internal/state.h>
#include <metron/core/timer/clock.h>
#include <metron/core/timer/instruments.h>
#include <metron/core/timer/internal/hooks.h>

#include <mutex>
#include <utility>

namespace metron {
namespace {

using detail::recorder_lock;
using Activity = Schedule::Activity;
using Lock = std::lock_guard<detail::SpinLock>;

// The running profiler: set by start(), cleared by stop().
std::atomic<Profiler*> running_profiler{nullptr};

bool is_recorded(Activity activity) {
  return activity == Activity::recording || activity == Activity::warming_up;
}

void set_instruments(std::uint32_t bits) {
  detail::active_instruments.fetch_and(~(instrument_timer | instrument_steps));
  detail::active_instruments.fetch_or(bits);
}

}  // namespace

Profiler::Profiler(const Schedule& schedule, OnCycle on_cycle) : state_(std::make_unique<State>()) {
  schedule.validate();
  state_->schedule = schedule;
  state_->on_cycle = std::move(on_cycle);
  state_->session = detail::next_session();
}

Profiler::~Profiler() { stop(); }

bool Profiler::running() const { return state_->running.load(std::memory_order_acquire); }

void Profiler::start() {
  detail::start_environment_profile_once();
  Profiler* expected = nullptr;
  check<Error>(
      running_profiler.compare_exchange_strong(expected, this), "profiler", "one is running already; ",
      detail::environment_profile_runs() ? "METRON_PROFILE started it, so the program must not start another"
                                         : "stop it first");
  State& state = *state_;
  try {
    state.ranges = detail::nvtx_ranges();  // fail here rather than in an op
    state.profile.cost = detail::measure_timer_cost(state.ranges);
    state.measured_clock = false;
    detail::prepare_device_clocks(state, state.measured_clock);
  } catch (...) {
    running_profiler = nullptr;
    throw;
  }
  const Lock lock(recorder_lock);
  state.thread = detail::this_thread_number();
  state.step = 0;
  state.running = true;
  try {
    enter(state.schedule.at(0));
  } catch (...) {
    leave();
    throw;
  }
}

// Begins an activity of the schedule. Requires the lock.
void Profiler::enter(Schedule::Activity activity) {
  State& state = *state_;
  if (activity == Activity::done) {
    leave();
    return;
  }
  if (is_recorded(activity) && !state.recording && !state.profile.truncated) {
    detail::settle_devices();
    state.begin_recording();
  }
  set_instruments(state.recording ? instrument_timer : instrument_steps);
  state.step_start = steady_now_ns();
}

void Profiler::leave() {
  set_instruments(0);
  state_->running = false;
  running_profiler = nullptr;
}

void Profiler::step() {
  State& state = *state_;
  check<Error>(running(), "profiler", "step() requires a running profiler");
  check<Error>(state.thread == detail::this_thread_number(), "profiler",
               "step() must be called on the thread that started the profiler");
  const Activity activity = state.schedule.at(state.step);
  const bool run_callback = state.schedule.ends_cycle(state.step) && state.on_cycle != nullptr;
  const Activity next = state.schedule.at(state.step + 1);
  {
    const Lock lock(recorder_lock);
    if (!state.running) return;  // another thread has just stopped it
    const std::int64_t now = steady_now_ns();
    if (activity == Activity::recording) state.profile.steps.push_back({state.step, state.step_start, now});
    if (state.recording && (next != activity || run_callback))
      state.end_recording(activity == Activity::recording);
    if (!state.recording) set_instruments(instrument_steps);
    ++state.step;
  }
  if (run_callback) {
    state.on_cycle(*this);
    drop_all();
  }
  const Lock lock(recorder_lock);
  if (!state.running) return;
  try {
    detail::prepare_device_clocks(state, state.measured_clock);
    enter(next);
  } catch (...) {
    leave();
    if (state.recording) state.end_recording(next == Activity::recording);
    throw;
  }
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
  state.profile.device_clock.clear();
  state.profile.start = state.profile.wall_ns = state.finished_wall_ns = 0;
}

void Profiler::clear() {
  check<Error>(!running(), "profiler", "stop() must precede clear()");
  drop_all();
}

const Profile& Profiler::profile() const {
  State& state = *state_;
  for (Record& record : state.profile.records) {
    detail::resolve(record);
    if (record.device_ns >= 0 && state.profile.device_clock.empty())
      state.profile.device_clock = detail::device_clock(record.device)->name();
  }
  if (state.recording) state.profile.wall_ns = state.finished_wall_ns + steady_now_ns() - state.run_start;
  return state.profile;
}

const std::string& Profiler::string(std::uint32_t id) const { return state_->profile.strings.at(id); }

}  // namespace metron
