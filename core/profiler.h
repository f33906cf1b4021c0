// The embedded timer. It records every slot call and the ops around them, with path, phase, provider, shapes,
// bytes and FLOPs. Switched off it costs one predictable branch per call.
#pragma once

#include <metron/core/profile.h>
#include <metron/core/ranking.h>
#include <metron/core/record.h>
#include <metron/core/schedule.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace metron {

// ---- What slot calls ask before anything else

inline constexpr std::uint32_t instrument_timer = 1;
inline constexpr std::uint32_t instrument_check = 2;
inline constexpr std::uint32_t instrument_steps = 4;  // a waiting profiler counts the optimizer's steps

namespace detail {
extern std::atomic<std::uint32_t> active_instruments;
}
inline std::uint32_t instruments() { return detail::active_instruments.load(std::memory_order_relaxed); }

// The device half of the clock: marks on a device's queue, read when the report is asked for, never per op.
class DeviceClock {
 public:
  virtual ~DeviceClock() = default;
  virtual std::uint32_t begin(Device device) = 0;  // returns a ticket
  virtual void end(Device device, std::uint32_t ticket) = 0;
  virtual double resolve_ns(std::uint32_t ticket) = 0;  // may wait for the device; asked once a ticket
};
void install_device_clock(Device::Type type, std::unique_ptr<DeviceClock> clock);

// Records what the thread that starts it computes, between start and stop. One at a time in a process.
//   Profiler profiler({.wait = 1, .warmup = 1, .active = 3});
//   profiler.start();
//   for (...) { train(); profiler.step(); }
//   profiler.stop();
// start, step and clear belong to the recorded thread. stop (and the destructor) may be called from any: what
// the recorded thread has open is closed at that moment, and what it goes on to compute is not recorded.
class Profiler {
 public:
  using OnCycle = std::function<void(const Profiler&)>;

  // `on_cycle` is called at the end of each cycle's active steps with what was recorded in it, which is
  // dropped afterwards; without it the cycles add up. ValueError for a schedule with negative numbers.
  explicit Profiler(const Schedule& schedule = {}, OnCycle on_cycle = {});
  ~Profiler();  // stops
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  void start();  // measures its own cost first; Error if another one is running
  void step();   // the end of a step; Error if not running, on another thread or inside an op or range
  void stop();   // may be started again: records accumulate, and the schedule begins anew
  void clear();  // Error while running
  bool running() const;

  // What was recorded, with device times resolved. While it runs: on the recorded thread alone.
  const Profile& profile() const;
  const std::vector<Record>& records() const { return profile().records; }
  const std::string& string(std::uint32_t id) const;
  Ranking ranking(const RankingOptions& options = {}) const { return rank(profile(), options); }

  struct State;  // core/profiler_state.h

 private:
  void enter(Schedule::Activity activity);
  void leave();
  void drop_all();
  std::unique_ptr<State> state_;
};

// ---- Scopes: how ops, modules and phases name what runs inside

// Times an op. `name` must outlive the process: a literal.
class OpScope {
 public:
  explicit OpScope(const char* name) {
    if ((instruments() & instrument_timer) != 0) [[unlikely]]
      begin(name);
  }
  ~OpScope() {
    if (run_ != 0) [[unlikely]]
      end();
  }
  OpScope(const OpScope&) = delete;
  OpScope& operator=(const OpScope&) = delete;

 private:
  void begin(const char* name);
  void end();
  std::uint32_t run_ = 0;  // of the profiler, when it opened a record; 0: it did not
  std::int32_t index_ = -1;
};

// Names the module whose forward runs; an empty name adds nothing to the path.
class ModuleScope {
 public:
  explicit ModuleScope(const std::string& name) {
    if ((instruments() & instrument_timer) != 0) [[unlikely]]
      begin(name);
  }
  ~ModuleScope() {
    if (run_ != 0) [[unlikely]]
      end();
  }
  ModuleScope(const ModuleScope&) = delete;
  ModuleScope& operator=(const ModuleScope&) = delete;

 private:
  void begin(const std::string& name);
  void end();
  std::uint32_t run_ = 0;  // as in OpScope
  std::uint32_t previous_ = 0;
};

// Where the running op stands: what autograd keeps, to attribute its backward. It means something to the
// profiler that recorded it alone, which `session` tells.
struct RecordPosition {
  std::uint64_t session = 0;
  std::int32_t op = -1;
  std::uint32_t module = 0;
};
RecordPosition current_position();

// Marks what runs inside as backward (of the op recorded at `forward`) or as optimizer.
class PhaseScope {
 public:
  explicit PhaseScope(Phase phase, const RecordPosition& forward = {});
  ~PhaseScope();  // the outermost optimizer phase may end a step
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;

 private:
  Phase previous_phase_;
  std::uint32_t run_ = 0;  // as in OpScope
  std::int32_t previous_forward_ = -1;
  std::uint32_t previous_module_ = 0;
};

// Times one slot call; used by Slot alone. stop() reads the clock, finish() files the record.
class KernelTimer {
 public:
  KernelTimer(const char* slot, Device device);
  ~KernelTimer();  // files the record as failed if the kernel threw
  KernelTimer(const KernelTimer&) = delete;
  KernelTimer& operator=(const KernelTimer&) = delete;
  void stop();
  void finish(const char* provider, const Signature& signature, double bytes, double flops);

 private:
  void file(Profiler::State& state, const char* provider);
  void forget();
  std::uint32_t run_ = 0;  // 0: this thread is not recorded, or the record is filed
  std::int32_t index_ = -1;
  std::int64_t ticket_ = -1;  // of the device clock
  std::int64_t end_ = 0;
  Device device_;
};

}  // namespace metron
