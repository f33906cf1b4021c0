#include <metron/core/numbers.h>
#include <metron/layers/lr_scheduler.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace metron {
namespace {

using RateSchedule = std::function<double(std::int64_t)>;

void check_duration(const char* op, std::int64_t steps) {
  check<ValueError>(steps >= 1, op, "expects at least one step, got ", steps);
}

RateSchedule step_schedule(double base, std::int64_t period, double gamma) {
  check_duration("StepLR", period);
  check<ValueError>(std::isfinite(gamma) && gamma >= 0, "StepLR",
                    "gamma must be finite and not negative, got ", gamma);
  return [=](std::int64_t t) {
    const std::int64_t decays = t / period;
    return base * std::pow(gamma, static_cast<double>(decays));
  };
}

RateSchedule cosine_schedule(double base, std::int64_t duration, double minimum) {
  check_duration("CosineLR", duration);
  check<ValueError>(std::isfinite(minimum) && minimum >= 0, "CosineLR",
                    "the minimum must be finite and not negative, got ", minimum);
  return [=](std::int64_t t) {
    const double angle = std::numbers::pi * static_cast<double>(t) / static_cast<double>(duration);
    return minimum + (base - minimum) * (1 + std::cos(angle)) / 2;
  };
}

RateSchedule warmup_schedule(double base, std::int64_t duration, double start) {
  check_duration("LinearWarmupLR", duration);
  check<ValueError>(start >= 0 && start <= 1, "LinearWarmupLR", "the start must be in [0, 1], got ", start);
  return [=](std::int64_t t) {
    return base *
           (start + (1 - start) * static_cast<double>(std::min(t, duration)) / static_cast<double>(duration));
  };
}

}  // namespace

LRScheduler::LRScheduler(Optimizer& optimizer, RateSchedule schedule, Settings options)
    : optimizer_(&optimizer), schedule_(std::move(schedule)), options_(std::move(options)) {
  optimizer_->set_lr(schedule_(0));
}

void LRScheduler::step() { optimizer_->set_lr(schedule_(++t_)); }

void LRScheduler::load_state(const SchedulerState& state) {
  constexpr char op[] = "lr_scheduler";
  const std::string different = differences(state.options, options_);
  check<ValueError>(different.empty(), op, "the state is that of another schedule: ", different);
  check<ValueError>(state.t >= 0, op, "t must not be negative, got ", state.t);
  optimizer_->set_lr(schedule_(state.t));
  t_ = state.t;
}

StepLR::StepLR(Optimizer& optimizer, std::int64_t period, double gamma)
    : LRScheduler(optimizer, step_schedule(optimizer.lr(), period, gamma),
                  {{"schedule", "StepLR"},
                   {"base", exact_text(optimizer.lr())},
                   {"period", std::to_string(period)},
                   {"gamma", exact_text(gamma)}}) {}

CosineLR::CosineLR(Optimizer& optimizer, std::int64_t duration, double minimum)
    : LRScheduler(optimizer, cosine_schedule(optimizer.lr(), duration, minimum),
                  {{"schedule", "CosineLR"},
                   {"base", exact_text(optimizer.lr())},
                   {"duration", std::to_string(duration)},
                   {"minimum", exact_text(minimum)}}) {}

LinearWarmupLR::LinearWarmupLR(Optimizer& optimizer, std::int64_t duration, double start)
    : LRScheduler(optimizer, warmup_schedule(optimizer.lr(), duration, start),
                  {{"schedule", "LinearWarmupLR"},
                   {"base", exact_text(optimizer.lr())},
                   {"duration", std::to_string(duration)},
                   {"start", exact_text(start)}}) {}

}  // namespace metron
