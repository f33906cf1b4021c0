// The profiler. Records every op and slot call with its module path, phase, provider, shapes, bytes and
// FLOPs. Disabled, it costs one predictable branch per call.
#pragma once

#include <metron/core/profiler/ranking.h>
#include <metron/core/profiler/schedule.h>
#include <metron/core/timer/profile.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace metron {

// Records the thread that starts it, between start and stop. Only one per process can be running.
//   Profiler profiler({.wait = 1, .warmup = 1, .active = 3});
//   profiler.start();
//   for (...) { train(); profiler.step(); }
//   profiler.stop();
// start, step and clear must be called on the recorded thread. Any thread may call stop or the destructor,
// which close all open records.
class Profiler {
 public:
  using OnCycle = std::function<void(const Profiler&)>;

  // `on_cycle` is called after the active steps of each cycle; the records of the cycle are dropped
  // afterwards. Without it, cycles accumulate. ValueError for a schedule with negative numbers.
  explicit Profiler(const Schedule& schedule = {}, OnCycle on_cycle = {});
  ~Profiler();  // stops
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  void start();  // measures the timer's overhead first; Error if another profiler is running
  void step();   // ends a step; Error if not running, on another thread, or inside an op or range
  void stop();   // start() may follow: records accumulate, and the schedule restarts
  void clear();  // Error while running
  bool running() const;

  // The recorded profile, with device times resolved. While running, only for the recorded thread.
  const Profile& profile() const;
  const std::vector<Record>& records() const { return profile().records; }
  const std::string& string(std::uint32_t id) const;
  Ranking ranking(const RankingOptions& options = {}) const { return rank(profile(), options); }

  struct State;  // core/profiler/internal/state.h

 private:
  void enter(Schedule::Activity activity);
  void leave();
  void drop_all();
  std::unique_ptr<State> state_;
};

}  // namespace metron
