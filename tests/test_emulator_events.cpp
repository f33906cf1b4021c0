// The device clock's events: what they cost, who shares them, and what they must not count.
#include <gtest/gtest.h>
#include <metron/core/cuda/clock.h>
#include <metron/metron.h>
#include <metron/tools/bench/device_rounds.h>

#include <memory>
#include <utility>
#include <vector>

#include "modeled_device.h"
#include "ranking_rows.h"

namespace metron {
namespace {

using namespace test;

class DeviceEvents : public OnModeledDevice {};

// As when the clock measures its cost while the first records are not yet resolved.
TEST_F(DeviceEvents, StartTimesAreKnownInAnyOrderOfResolving) {
  const Device device(Device::Type::cuda);
  const std::unique_ptr<DeviceClock> clock = cuda::make_clock("model");
  const auto timed = [&] {
    const std::uint32_t ticket = clock->begin(device);
    relu(small);
    clock->end(device, ticket);
    return ticket;
  };
  const std::uint32_t first = timed(), second = timed();
  const DeviceInterval later = clock->resolve(second), earlier = clock->resolve(first);
  EXPECT_GE(earlier.start_ns, 0);
  EXPECT_LE(earlier.start_ns + earlier.ns, later.start_ns + 1);
}

// Many tiny kernels, enqueued faster than they run: the timer's events are neither work nor idle time, and
// one of them ends a kernel and begins the next.
TEST_F(DeviceEvents, NeighborsShareEventsWhichAreNotIdleTime) {
  constexpr int kernels = 200;
  const auto step = [&] {
    exp(large);
    for (int i = 0; i < kernels; ++i) relu(small);
  };
  const std::size_t events = count_events([&] { profile_of(step, 1); }) / 2;  // warm and cold
  const double tiny_us = true_us([&] { relu(small); });
  const Ranking ranking = rank(profile_of(step));
  const DeviceUse& use = ranking.device;
  EXPECT_WITHIN(use.timer_us, 3 * (kernels + 1) * event_us);
  EXPECT_LE(use.dispatch_us, 0.1 * use.timer_us);
  EXPECT_LE(events, kernels + 10 + measured_events);
  EXPECT_WITHIN(test::row_of(ranking, "relu").average_us(), tiny_us);
}

// A stream that has run dry is idle until the host enqueues more: no interval may begin before.
TEST_F(DeviceEvents, NoEventIsSharedAcrossIdleTime) {
  const double tiny_us = true_us([&] { relu(small); });
  const Ranking ranking = rank(profile_of([&] {
    for (int i = 0; i < 20; ++i) {
      relu(small);
      emulator::advance_host(100'000);
    }
  }));
  EXPECT_WITHIN(test::row_of(ranking, "relu").average_us(), tiny_us);
  EXPECT_GT(ranking.device.outside_us, 0.85 * ranking.device.wall_us);
}

// Scopes of kernels may nest: the inner one does not begin where something before the outer one ended.
TEST_F(DeviceEvents, NestedIntervalsShareNoEvent) {
  const Device device(Device::Type::cuda);
  const std::unique_ptr<DeviceClock> clock = cuda::make_clock("model");
  const auto timed = [&](const auto& run) {
    const std::uint32_t ticket = clock->begin(device);
    run();
    clock->end(device, ticket);
    return ticket;
  };
  const double long_us = true_us([&] { exp(large); }), tiny_us = true_us([&] { relu(small); });
  std::uint32_t inner = 0, second = 0;
  const std::uint32_t before = timed([&] { exp(large); });
  const std::uint32_t outer = timed([&] {
    exp(large);
    inner = timed([&] { relu(small); });
    exp(large);
    second = timed([&] { relu(small); });
  });
  const std::uint32_t after = timed([&] { relu(small); });
  for (const auto& [ticket, us] :
       {std::pair(before, long_us), std::pair(outer, 2 * long_us + 2 * tiny_us), std::pair(inner, tiny_us),
        std::pair(second, tiny_us), std::pair(after, tiny_us)})
    EXPECT_NEAR(clock->resolve_ns(ticket) * 1e-3, us, 0.02 * us + 3 * event_us);
}

// What the clock itself enqueues is in no interval, though the device is busy before and after it.
TEST_F(DeviceEvents, WorkThatOccupiesTheDeviceIsInNoInterval) {
  const Device device(Device::Type::cuda);
  const std::unique_ptr<DeviceClock> clock = cuda::make_clock("model");
  clock->measure();
  const double tiny_us = true_us([&] { relu(small); });
  const std::uint32_t before = clock->begin(device);
  exp(large);
  clock->end(device, before);
  EXPECT_GT(clock->occupy(device, 1000), 1000);
  const std::uint32_t after = clock->begin(device);
  relu(small);
  clock->end(device, after);
  EXPECT_NEAR(clock->resolve_ns(after) * 1e-3, tiny_us + event_us, 0.1);
  clock->resolve_ns(before);
}

// A slow host enqueues rounds of two contestants in turn, one of which makes it wait. Neither makes the
// device wait.
TEST_F(DeviceEvents, RoundsKeepTheDeviceBusyForEachContestant) {
  emulator::use_manual_host(5000);
  const double tiny_ns = 1e3 * true_us([&] { relu(small); });
  const auto contestant = [&](std::int64_t waiting_ns) {
    return tools::Contestant([this, waiting_ns](std::int64_t calls) {
      for (std::int64_t i = 0; i < calls; ++i) {
        relu(small);
        emulator::advance_host(waiting_ns);
      }
      backend("cuda").synchronize(0);
    });
  };
  const tools::Contestant quick = contestant(0), slow = contestant(3'000'000);
  tools::DeviceRounds rounds(Device("cuda"));
  constexpr std::int64_t calls = 20;
  for (int round = 0; round < 3; ++round) {
    for (const tools::Contestant* one : {&quick, &slow}) {
      const tools::RoundTime time = rounds(*one, calls);
      if (round == 0) continue;  // the host's time is not known yet
      EXPECT_WITHIN(time.ns / calls, tiny_ns);
      EXPECT_GE(time.host_ns / calls, one == &slow ? 3'000'000 : 5000);
    }
  }
}

// A profile can begin although no memory is left to keep the device busy. The figure says that it is rough.
TEST_F(DeviceEvents, AFullDeviceIsMeasuredIdle) {
  relu(small);
  emulator::Options full;
  full.limits.memory = 0;
  emulator::set_options(full);
  Profiler profiler;
  profiler.start();
  profiler.stop();
  emulator::set_options({});
  EXPECT_GT(profiler.profile().cost.device_ns, 0);
  EXPECT_GE(profiler.profile().cost.device_noise_ns, profiler.profile().cost.device_ns);
}

// A slow host does not make the empty interval longer.
TEST_F(DeviceEvents, TheEmptyIntervalIsMeasuredOnABusyStream) {
  emulator::use_manual_host(5000);
  relu(small);
  Profiler profiler;
  profiler.start();
  profiler.stop();
  EXPECT_NEAR(profiler.profile().cost.device_ns, event_us * 1e3, 0.1 * event_us * 1e3);
}

// What was enqueued before recording is neither recorded work nor idle time.
TEST_F(DeviceEvents, WorkFromBeforeRecordingIsNoIdleTime) {
  relu(small);
  Profiler profiler({.wait = 1, .active = 1});
  profiler.start();
  for (int i = 0; i < 20; ++i) exp(large);  // 10 ms of the device
  profiler.step();
  relu(small);
  backend("cuda").synchronize(0);
  profiler.step();
  const Ranking ranking = profiler.ranking();
  EXPECT_LT(ranking.device.wall_us, 200) << ranking.to_table();
  EXPECT_LT(ranking.waiting_us, 100);
}

// Steps whose work is complete give their events back.
TEST_F(DeviceEvents, LongProfilesCreateNoEventsAfterTheStart) {
  relu(small);
  Profiler profiler;
  profiler.start();
  const std::uint64_t created = emulator::created_events();
  constexpr int steps = 30, kernels = 400;
  for (int step = 0; step < steps; ++step) {
    for (int i = 0; i < kernels; ++i) relu(small);
    emulator::advance_host(10'000'000);
    profiler.step();
  }
  EXPECT_EQ(emulator::created_events(), created);
  profiler.stop();
  const Ranking ranking = profiler.ranking();
  const RankingRow& row = test::row_of(ranking, "relu");
  EXPECT_EQ(row.calls + row.first_calls, steps * kernels);
  EXPECT_WITHIN(row.average_us(), true_us([&] { relu(small); }));
}

TEST_F(DeviceEvents, TheTimerCostsTwoRecordsAnOpAndItsTimeIsSubtracted) {
  relu(small);
  Profiler profiler;
  profiler.start();
  relu(small);
  EXPECT_NEAR(profiler.profile().cost.device_ns, event_us * 1e3, 0.1 * event_us * 1e3);
  const std::uint64_t created = emulator::created_events();
  constexpr std::size_t ops = 600;
  EXPECT_LE(count_events([&] {
              for (std::size_t i = 0; i < ops; ++i) relu(small);
            }),
            2 * ops);
  EXPECT_EQ(emulator::created_events(), created);
  profiler.stop();
  const Ranking ranking = profiler.ranking();
  EXPECT_WITHIN(test::row_of(ranking, "relu").average_us(), true_us([&] { relu(small); }));
}

}  // namespace
}  // namespace metron
