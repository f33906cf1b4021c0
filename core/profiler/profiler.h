// The embedded timer. It records every slot call and the ops around them, with path, phase, provider, shapes,
// bytes and FLOPs. Switched off it costs one predictable branch per call.
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

  struct State;  // core/profiler/internal/state.h

 private:
  void enter(Schedule::Activity activity);
  void leave();
  void drop_all();
  std::unique_ptr<State> state_;
};

}  // namespace metron
