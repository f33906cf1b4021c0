// Learning-rate schedules: PyTorch's formulas in closed form.
#pragma once

#include <metron/layers/optim.h>

#include <cstdint>
#include <functional>

namespace metron {

struct SchedulerState {
  std::int64_t t = 0;  // calls of step()
  Settings options;    // of the schedule: {"gamma", "0.7"}
};

// Sets the learning rate to schedule(t), where t starts at 0 and step() increments it, once per epoch or per
// batch. The schedules below scale the optimizer's learning rate at construction, so they can be chained.
// ValueError, at construction or from step(), if the rate is negative or not finite.
class LRScheduler {
 public:
  // The optimizer outlives it. `options` name what the schedule depends on, for load_state.
  LRScheduler(Optimizer& optimizer, std::function<double(std::int64_t t)> schedule, Settings options = {});
  void step();

  SchedulerState state() const { return {t_, options_}; }
  // Continues at the state's t, and sets the learning rate to the schedule's there. ValueError if the state
  // is that of a schedule with other options; scheduler and rate are unchanged then.
  void load_state(const SchedulerState& state);

 private:
  Optimizer* optimizer_;
  std::function<double(std::int64_t)> schedule_;
  Settings options_;
  std::int64_t t_ = 0;
};

// base * gamma^floor(t / period). ValueError unless period >= 1 and gamma is finite and not negative.
class StepLR : public LRScheduler {
 public:
  StepLR(Optimizer& optimizer, std::int64_t period, double gamma = 0.1);
};

// minimum + (base - minimum) * (1 + cos(pi * t / duration)) / 2: from base to minimum in `duration` steps.
// ValueError unless duration >= 1 and the minimum is finite and not negative.
class CosineLR : public LRScheduler {
 public:
  CosineLR(Optimizer& optimizer, std::int64_t duration, double minimum = 0);
};

// base * (start + (1 - start) * min(t / duration, 1)): from a fraction of base to base in `duration` steps.
// ValueError unless duration >= 1 and start is in [0, 1].
class LinearWarmupLR : public LRScheduler {
 public:
  LinearWarmupLR(Optimizer& optimizer, std::int64_t duration, double start = 1.0 / 3);
};

}  // namespace metron
