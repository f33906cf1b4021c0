// Which part of a program a profiler records: schedules, stopping from another thread, scopes that outlive a
// run, exceptions.
#include <gtest/gtest.h>
#include <metron/metron.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "expect_error.h"

namespace metron {
namespace {

using test::expect_error;

std::vector<std::int64_t> numbers_of(const Profile& profile) {
  std::vector<std::int64_t> numbers;
  for (const ProfiledStep& step : profile.steps) numbers.push_back(step.number);
  return numbers;
}

std::int64_t count(const Profile& profile, const std::string& name) {
  return std::count_if(profile.records.begin(), profile.records.end(), [&](const Record& record) {
    return record.kind == RecordKind::op && record.name == name;
  });
}

void expect_consistent(const Profile& profile) {
  for (std::size_t i = 0; i < profile.records.size(); ++i) {
    const Record& record = profile.records[i];
    EXPECT_GE(record.end, record.start) << record.name;
    EXPECT_LT(record.parent, static_cast<std::int32_t>(i));
    if (record.parent < 0) continue;
    const Record& around = profile.records[static_cast<std::size_t>(record.parent)];
    EXPECT_GE(record.start, around.start) << record.name << " in " << around.name;
    EXPECT_LE(record.end, around.end) << record.name << " in " << around.name;
  }
}

TEST(Schedule, CyclesThroughWaitWarmUpAndActive) {
  using enum Schedule::Activity;
  const Schedule schedule{.wait = 1, .warmup = 2, .active = 2, .repeat = 2};
  const std::vector<Schedule::Activity> expected{waiting,   warming_up, warming_up, recording,
                                                 recording, waiting,    warming_up, warming_up,
                                                 recording, recording,  done,       done};
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(schedule.at(static_cast<std::int64_t>(i)), expected[i]) << i;
  EXPECT_TRUE(schedule.ends_cycle(4));
  EXPECT_FALSE(schedule.ends_cycle(3));
  EXPECT_TRUE(schedule.ends_cycle(9));
  EXPECT_FALSE(schedule.ends_cycle(14));
  EXPECT_EQ(Schedule{}.at(1'000'000), recording);
  EXPECT_EQ((Schedule{.wait = 3, .active = 0}).at(2), waiting);
  EXPECT_EQ((Schedule{.wait = 3, .active = 0}).at(3), recording);
  EXPECT_EQ((Schedule{.active = 1, .repeat = 0}).at(1'000'000), recording);
}

TEST(Schedule, RejectsNegativeNumbers) {
  expect_error<ValueError>([] { Profiler({.wait = -1}); }, {"schedule", "-1"});
  expect_error<ValueError>([] { Profiler({.active = std::int64_t{1} << 62}); }, {"schedule"});
}

TEST(ProfilerSteps, RecordOnlyActiveSteps) {
  const Tensor x = Tensor::ones({1000, 1000});  // steps are long compared to the time between them
  Profiler profiler({.wait = 2, .warmup = 1, .active = 3, .repeat = 2});
  profiler.start();
  std::vector<bool> recorded;
  for (int i = 0; i < 20; ++i) {
    recorded.push_back((instruments() & instrument_timer) != 0);
    sum(x);
    if (profiler.running()) profiler.step();
  }
  EXPECT_FALSE(profiler.running());
  EXPECT_EQ(recorded, (std::vector<bool>{0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(numbers_of(profiler.profile()), (std::vector<std::int64_t>{3, 4, 5, 9, 10, 11}));
  EXPECT_EQ(count(profiler.profile(), "sum"), 6);
  std::int64_t steps_ns = 0;
  for (const ProfiledStep& step : profiler.profile().steps) steps_ns += step.end - step.start;
  EXPECT_NEAR(static_cast<double>(steps_ns) / static_cast<double>(profiler.profile().wall_ns), 1, 0.1);
  expect_consistent(profiler.profile());
}

TEST(ProfilerSteps, DeliverEachCycleOnce) {
  const Tensor x = Tensor::ones({8});
  std::vector<std::vector<std::int64_t>> cycles;
  std::vector<std::int64_t> sums;
  Profiler profiler({.warmup = 1, .active = 2, .repeat = 3}, [&](const Profiler& at_end) {
    cycles.push_back(numbers_of(at_end.profile()));
    sums.push_back(count(at_end.profile(), "sum"));
    sum(x);  // the callback's own work is not recorded
  });
  profiler.start();
  while (profiler.running()) {
    sum(x);
    profiler.step();
  }
  EXPECT_EQ(cycles, (std::vector<std::vector<std::int64_t>>{{1, 2}, {4, 5}, {7, 8}}));
  EXPECT_EQ(sums, (std::vector<std::int64_t>{2, 2, 2}));
  EXPECT_TRUE(profiler.records().empty());
}

TEST(ProfilerSteps, BelongToTheRecordedThread) {
  Profiler profiler;
  expect_error<Error>([&] { profiler.step(); }, {"step()", "running"});
  profiler.start();
  std::thread([&] { expect_error<Error>([&] { profiler.step(); }, {"step()", "thread"}); }).join();
  profiler.step();
  profiler.stop();
  EXPECT_EQ(profiler.profile().steps.size(), 1u);
}

// An index recorded during warm-up must not be taken for one of a later record.
TEST(ProfilerSteps, WarmUpLeavesNoStaleIndices) {
  Tensor x = Tensor::ones({4});
  x.set_requires_grad();
  Profiler profiler({.warmup = 1, .active = 1});
  profiler.start();
  const Tensor loss = sum(mul(x, x));
  profiler.step();
  loss.backward();
  profiler.step();
  ASSERT_FALSE(profiler.records().empty());
  for (const Record& record : profiler.records()) EXPECT_EQ(record.forward, -1);
}

TEST(ProfilerThreads, AnotherThreadMayStopIt) {
  for (int round = 0; round < 30; ++round) {
    Profiler profiler;
    std::atomic<bool> started = false, stopped = false;
    std::thread worker([&] {
      const Tensor x = Tensor::ones({16});
      profiler.start();
      started = true;
      while (!stopped) {
        const ProfileRange range("round");
        sum(mul(x, x));
      }
      sum(x);
    });
    while (!started) std::this_thread::yield();
    for (int i = 0; i < round; ++i) std::this_thread::yield();
    profiler.stop();
    const std::size_t records = profiler.records().size();
    expect_consistent(profiler.profile());
    stopped = true;
    worker.join();
    EXPECT_EQ(profiler.records().size(), records);
    EXPECT_EQ(instruments() & instrument_timer, 0u);
  }
}

TEST(ProfilerThreads, MayDestroyItDuringRecordedWork) {
  std::optional<Profiler> profiler(std::in_place);
  std::atomic<bool> started = false, done = false;
  std::thread worker([&] {
    const Tensor x = Tensor::ones({16});
    profiler->start();
    started = true;
    while (!done) sum(x);
  });
  while (!started) std::this_thread::yield();
  profiler.reset();
  done = true;
  worker.join();
}

TEST(ProfilerThreads, AReusedThreadIdIsNotRecorded) {
  Profiler profiler;
  std::thread([&] { profiler.start(); }).join();
  for (int i = 0; i < 5; ++i) std::thread([] { sum(Tensor::ones({3})); }).join();
  profiler.stop();
  EXPECT_TRUE(profiler.records().empty());
}

TEST(ProfilerScopes, FromAnEarlierRunAreIgnored) {
  Profiler first, second;
  const Tensor x = Tensor::ones({3});
  first.start();
  std::optional<OpScope> outer("outer");
  std::optional<ModuleScope> module(std::in_place, "inner_module");
  std::optional<PhaseScope> phase(std::in_place, Phase::backward);
  first.stop();
  second.start();
  {
    const OpScope inside("inside");
    outer.reset();
    module.reset();
    phase.reset();
    sum(x);
  }
  second.stop();
  ASSERT_GE(second.records().size(), 2u);
  EXPECT_STREQ(second.records()[0].name, "inside");
  EXPECT_EQ(second.records()[1].parent, 0);
  EXPECT_EQ(second.string(second.records()[1].module), "");
  EXPECT_EQ(second.records()[1].phase, Phase::forward);
  expect_consistent(first.profile());
  expect_consistent(second.profile());
}

TEST(ProfilerScopes, OpenScopesEndWhenItStops) {
  Profiler profiler;
  profiler.start();
  const OpScope outer("outer");
  const ProfileRange range("range");
  sum(Tensor::ones({3}));
  profiler.stop();
  expect_consistent(profiler.profile());
  EXPECT_GT(profiler.records()[0].end, profiler.records()[0].start);
}

TEST(ProfilerScopes, AModuleWithoutANameAddsNothingToThePath) {
  Profiler profiler;
  profiler.start();
  {
    const ModuleScope outer("outer");
    const ModuleScope none("");
    sum(Tensor::ones({3}));
  }
  {
    const ModuleScope none("");
    const ModuleScope inner("inner");
    sum(Tensor::ones({3}));
  }
  profiler.stop();
  std::vector<std::string> modules;
  for (const Record& record : profiler.records()) {
    if (record.name == std::string("sum")) modules.push_back(profiler.string(record.module));
  }
  EXPECT_EQ(modules, (std::vector<std::string>{"outer", "inner"}));
}

TEST(ProfilerScopes, HandleAThrowingBackward) {
  Tensor x = Tensor::ones({4});
  x.set_requires_grad();
  Profiler profiler;
  profiler.start();
  Tensor y = mul(x, x);
  record("thrower", y, {&x}, Backward::composite, [](const Tensor& g) -> Tensor {
    const OpScope scope("before the error");
    sum(g);
    fail<ValueError>("thrower", "no gradient today");
  });
  expect_error<ValueError>([&] { sum(y).backward(); }, {"no gradient today"});
  sum(x);
  profiler.stop();
  expect_consistent(profiler.profile());
  const Record& last = *std::find_if(profiler.records().rbegin(), profiler.records().rend(),
                                     [](const Record& r) { return r.kind == RecordKind::op; });
  EXPECT_STREQ(last.name, "sum");
  EXPECT_EQ(last.parent, -1);
  EXPECT_EQ(last.phase, Phase::forward);
  EXPECT_EQ(last.forward, -1);
  EXPECT_NE(profiler.ranking().to_table().find("thrower backward"), std::string::npos);
}

// A device clock that fails at begin, at end, or never.
class FailingClock : public DeviceClock {
 public:
  explicit FailingClock(const bool& begins) : begins_(begins) {}
  std::uint32_t begin(Device) override {
    check<DeviceError>(begins_, "clock", "begin failed");
    return tickets_++;
  }
  void end(Device, std::uint32_t) override { fail<DeviceError>("clock", "end failed"); }
  double resolve_ns(std::uint32_t) override { return 1; }

 private:
  const bool& begins_;
  std::uint32_t tickets_ = 0;
};

TEST(ProfilerScopes, HandleAFailingDeviceClock) {
  for (const bool begins : {false, true}) {
    Profiler profiler;
    const Tensor x = Tensor::ones({4});
    profiler.start();
    install_device_clock(Device::Type::cpu, std::make_unique<FailingClock>(begins));
    EXPECT_THROW(sum(x), DeviceError);
    install_device_clock(Device::Type::cpu, nullptr);
    sum(x);
    profiler.stop();
    expect_consistent(profiler.profile());
    EXPECT_EQ(profiler.records().back().kind, RecordKind::kernel);
  }
}

// Counts its calls and can fail to prepare.
class CountingClock : public DeviceClock {
 public:
  struct Counts {
    int ends = 0, prepared = 0, failing = -1;  // the number of the call of prepare() that fails
    bool waited = false;
  };
  explicit CountingClock(Counts& counts) : counts_(counts) {}
  std::uint32_t begin(Device) override { return tickets_++; }
  void end(Device, std::uint32_t) override { ++counts_.ends; }
  double resolve_ns(std::uint32_t ticket) override {
    counts_.waited |= !is_complete(ticket);
    return 1;
  }
  bool is_complete(std::uint32_t ticket) override { return ticket % 2 == 1; }
  bool runs_short() override { return true; }
  void prepare() override {
    check<DeviceError>(counts_.prepared++ != counts_.failing, "clock", "prepare failed");
  }

 private:
  Counts& counts_;
  std::uint32_t tickets_ = 0;
};

class ProfilerClocks : public testing::Test {
 protected:
  ProfilerClocks() { install_device_clock(Device::Type::cpu, std::make_unique<CountingClock>(counts_)); }
  ~ProfilerClocks() override { install_device_clock(Device::Type::cpu, nullptr); }
  CountingClock::Counts counts_;
  const Tensor x_ = Tensor::ones({4});
};

TEST_F(ProfilerClocks, EndOnceAlthoughTheProviderThrowsAfterwards) {
  Profiler profiler;
  profiler.start();
  const int before = counts_.ends;
  const auto throwing = [] {
    KernelTimer timer("thrower", Device());
    timer.stop();
    fail<DeviceError>("thrower", "on purpose");
  };
  EXPECT_THROW(throwing(), DeviceError);
  EXPECT_EQ(counts_.ends, before + 1);
  profiler.stop();
  EXPECT_STREQ(profiler.records().back().provider, "failed");
}

TEST_F(ProfilerClocks, StopTheProfilerIfTheyFailInAStep) {
  Profiler profiler;
  profiler.start();
  sum(x_);
  counts_.failing = counts_.prepared;
  EXPECT_THROW(profiler.step(), DeviceError);
  EXPECT_FALSE(profiler.running());
  EXPECT_EQ(instruments() & instrument_timer, 0U);
  sum(x_);
  EXPECT_EQ(count(profiler.profile(), "sum"), 1);
  Profiler next;
  next.start();
  next.stop();
}

// On several devices work does not complete in the order of the records.
TEST_F(ProfilerClocks, AreNotWaitedForInAStep) {
  Profiler profiler;
  profiler.start();
  counts_.waited = false;
  for (const int kernels : {4, 1}) {  // so that the last one is complete once
    for (int i = 0; i < kernels; ++i) sum(x_);
    profiler.step();
    EXPECT_FALSE(counts_.waited) << kernels;
  }
  profiler.stop();
  profiler.profile();
  EXPECT_TRUE(counts_.waited);
}

// A clock that notices if two threads prepare it at a time.
class CarefulClock : public DeviceClock {
 public:
  explicit CarefulClock(std::atomic<int>& prepared, std::atomic<bool>& overlaps)
      : prepared_(prepared), overlaps_(overlaps) {}
  std::uint32_t begin(Device) override { return 0; }
  void end(Device, std::uint32_t) override {}
  double resolve_ns(std::uint32_t) override { return 1; }
  void prepare() override {
    if (inside_++ > 0) overlaps_ = true;
    ++prepared_;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    --inside_;
  }

 private:
  std::atomic<int> inside_{0};
  std::atomic<int>& prepared_;
  std::atomic<bool>& overlaps_;
};

TEST(ProfilerScopes, AStepAndAnotherProfilersStartDoNotPrepareTheClockTogether) {
  std::atomic<int> prepared{0};
  std::atomic<bool> overlaps{false};
  install_device_clock(Device::Type::cpu, std::make_unique<CarefulClock>(prepared, overlaps));
  {
    Profiler first, second;
    first.start();
    std::thread other([&] {
      while (prepared < 2) std::this_thread::yield();  // until step() prepares it
      first.stop();
      second.start();
      second.stop();
    });
    first.step();
    other.join();
  }
  EXPECT_EQ(prepared, 3);
  EXPECT_FALSE(overlaps);
  install_device_clock(Device::Type::cpu, nullptr);
}

TEST(ProfilerScopes, EndWithTheEnclosingScope) {
  Profiler profiler;
  profiler.start();
  std::optional<ProfileRange> outer(std::in_place, "outer"), inner(std::in_place, "inner");
  outer.reset();  // also ends the inner one
  inner.reset();
  { const ProfileRange next("next"); }
  profiler.stop();
  ASSERT_EQ(profiler.records().size(), 3u);
  EXPECT_EQ(profiler.records()[1].parent, 0);
  EXPECT_EQ(profiler.records()[2].parent, -1);
  expect_consistent(profiler.profile());
}

}  // namespace
}  // namespace metron
