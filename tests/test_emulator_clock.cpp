// Rankings by device time, on a modeled device whose true times are known.
#include <gtest/gtest.h>
#include <metron/core/cuda/clock.h>
#include <metron/core/timer/scopes.h>
#include <metron/kernels/emulator/emulator.h>
#include <metron/kernels/emulator/model.h>
#include <metron/metron.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "ranking_rows.h"
#include "temporary_folder.h"

namespace metron {
namespace {

constexpr double bytes_per_us = 1e3, copied_bytes_per_us = 100, launch_us = 1, event_us = 0.5;
constexpr double within = 0.02;

// The model is chosen before the device is first used.
class ModeledDevice : public testing::Environment {
 public:
  void SetUp() override {
    const std::string path =
        folder_.write("model.json", R"({"name": "test device", "architecture": "sm_80", "sms": 8,
      "boost_clock_mhz": 1000, "memory_gb": 4, "bandwidth_gb_per_s": 1, "l2_mb": 1, "tflops": {"fp32": 1},
      "launch_latency_us": 1, "event_resolution_us": 0.001, "event_cost_us": 0.5, "copy_engines": 2,
      "pcie_gb_per_s": 0.1, "sources": [{"title": "made up", "url": "https://example.org"}]})");
    ::setenv("METRON_EMULATOR_DEVICE", path.c_str(), 1);
    ASSERT_TRUE(has_device("cuda"));
  }

 private:
  TemporaryFolder folder_;
};
[[maybe_unused]] const testing::Environment* const modeled =
    testing::AddGlobalTestEnvironment(new ModeledDevice);

// The time that the model assigns to the kernels and copies of run(), in us. Does not advance the host.
template <typename Run>
double true_us(const Run& run) {
  const std::size_t before = emulator::modeled_work().size();
  run();
  const std::vector<emulator::ModeledWork> work = emulator::modeled_work();
  return std::accumulate(work.begin() + static_cast<std::ptrdiff_t>(before), work.end(), 0.0,
                         [](double sum, const emulator::ModeledWork& w) {
                           return sum + (w.name == "event" ? 0 : w.end_ns - w.start_ns) * 1e-3;
                         });
}

std::vector<std::string> ranked(const Ranking& ranking) {
  std::vector<std::string> names;
  for (const RankingRow& row : ranking.rows)
    if (!row.is_kernel && row.device_us >= 0) names.push_back(row.name);
  return names;
}

#define EXPECT_WITHIN(actual, expected) EXPECT_NEAR(actual, expected, within*(expected))

class DeviceRanking : public testing::Test {
 protected:
  DeviceRanking() {
    emulator::use_manual_host(200);  // ns per call
    emulator::keep_modeled_work(true);
    emulator::set_options({});
  }
  ~DeviceRanking() override { emulator::keep_modeled_work(false); }

  // The second profile has only warm calls.
  template <typename Step>
  Profile profile_of(const Step& step, int steps = 3) {
    for (int round = 0;; ++round) {
      backend("cuda").synchronize(0);
      Profiler profiler;
      profiler.start();
      for (int i = 0; i < (round == 0 ? 1 : steps); ++i) {
        step();
        profiler.step();
      }
      backend("cuda").synchronize(0);
      profiler.stop();
      if (round == 1) return profiler.profile();
    }
  }

  Tensor large = Tensor::full({1 << 16}, 1, {DType::float32, "cuda"});
  Tensor medium = Tensor::full({2048}, 1, {DType::float32, "cuda"});
  Tensor small = Tensor::full({64}, 1, {DType::float32, "cuda"});
};

// A long kernel first, a tiny one, a copy, and a host that lags in an op of its own and outside of all ops.
TEST_F(DeviceRanking, EveryRowIsTheTruth) {
  double long_us = 0, tiny_us = 0, copy_us = 0, late_us = 0;
  const std::vector<float> values(1 << 14, 1.F);
  const auto step = [&] {
    long_us = true_us([&] { exp(large); });
    tiny_us = true_us([&] { relu(small); });
    copy_us = true_us([&] { Tensor::from<float>(values, {1 << 14}, "cuda"); });
    {
      const OpScope scope("augment");
      emulator::advance_host(4'000'000);
    }
    late_us = true_us([&] { sqrt(medium); });
    emulator::advance_host(3'000'000);
  };
  const Profile profile = profile_of(step);
  const Ranking ranking = rank(profile);
  EXPECT_EQ(ranking.clock, "model of test device");

  // 64 Ki floats are read and written. A copy moves 64 KiB.
  EXPECT_WITHIN(long_us, 2 * 4 * 65536 / bytes_per_us + launch_us);
  EXPECT_WITHIN(copy_us, 65536 / copied_bytes_per_us + launch_us);
  EXPECT_LT(tiny_us, 20);

  std::vector<std::pair<double, std::string>> order{
      {long_us, "exp"}, {tiny_us, "relu"}, {copy_us, "copy_to_device"}, {late_us, "sqrt"}};
  std::sort(order.rbegin(), order.rend());
  std::vector<std::string> names;
  for (const auto& [us, name] : order) names.push_back(name);
  EXPECT_EQ(ranked(ranking), names);
  const RankingRow &exp_row = test::row_of(ranking, "exp"), &copy = test::row_of(ranking, "copy_to_device"),
                   &relu_row = test::row_of(ranking, "relu"), &augment = test::row_of(ranking, "augment");
  EXPECT_WITHIN(exp_row.device_us, 3 * long_us);
  EXPECT_WITHIN(exp_row.average_us(), long_us);
  EXPECT_WITHIN(exp_row.gbytes(), 2 * 4 * 65536 / long_us * 1e-3);
  EXPECT_WITHIN(copy.device_us, 3 * copy_us);
  EXPECT_WITHIN(relu_row.device_us, 3 * tiny_us);
  EXPECT_WITHIN(relu_row.average_us(), tiny_us);
  EXPECT_EQ(augment.device_us, -1);
  for (const RankingRow* row : {&exp_row, &copy, &relu_row})
    EXPECT_WITHIN(row->share, row->device_us / ranking.device.wall_us);

  // The device works on what was enqueued before for part of the time in which the host augments.
  const DeviceUse& use = ranking.device;
  EXPECT_WITHIN(augment.total_us, 3 * 4000);
  EXPECT_WITHIN(augment.idle_us, 3 * (4000 - long_us - tiny_us - copy_us));
  EXPECT_WITHIN(use.outside_us, 3 * (3000 - late_us));
  EXPECT_WITHIN(use.busy_us, 3 * (long_us + tiny_us + late_us));
  EXPECT_WITHIN(use.copies_us, 3 * copy_us);
  EXPECT_NEAR(use.busy_us + use.copies_us + use.timer_us + use.idle_us, use.wall_us, 1e-6 * use.wall_us);
  EXPECT_FALSE(use.bound_by_device());
  EXPECT_EQ(use.cause, augment.idle_us > use.outside_us ? "augment" : "outside operators");
  const std::string table = ranking.to_table();
  EXPECT_NE(table.find("model ms"), std::string::npos) << table;
  EXPECT_EQ(table.find("device ms"), std::string::npos) << table;
  EXPECT_NE(table.find("bound by the host"), std::string::npos) << table;
}

TEST_F(DeviceRanking, AReadWaitsAndDoesNotRank) {
  double long_us = 0;
  const auto step = [&] {
    long_us = true_us([&] { exp(large); });
    small.to(Device());
  };
  const Ranking ranking = rank(profile_of(step));
  const RankingRow &read = test::row_of(ranking, "to"), &exp_row = test::row_of(ranking, "exp");
  EXPECT_EQ(ranked(ranking).front(), "exp");
  EXPECT_WITHIN(exp_row.device_us, 3 * long_us);
  EXPECT_LT(read.device_us, 0.05 * exp_row.device_us);
  EXPECT_LT(read.total_us, 0.05 * exp_row.device_us);  // nor is it a cost of the host
  EXPECT_GT(read.waiting_us, 0.9 * exp_row.device_us);
  EXPECT_TRUE(ranking.device.bound_by_device());
  EXPECT_NE(ranking.to_table().find("bound by the device"), std::string::npos);
}

// Work that the host enqueues while the device is busy does not idle.
TEST_F(DeviceRanking, AHostAheadOfTheDeviceLeavesNoIdleTime) {
  const Ranking ranking = rank(profile_of([&] {
    for (int i = 0; i < 5; ++i) exp(large);
  }));
  EXPECT_LT(ranking.device.device_waits_us, 0.02 * ranking.device.wall_us) << ranking.to_table();
  EXPECT_TRUE(ranking.device.bound_by_device());
}

TEST_F(DeviceRanking, ViewsAgree) {
  const Profile profile = profile_of([&] {
    exp(large);
    small.to(Device());
  });
  const Ranking ranking = rank(profile);
  double device_us = 0;
  for (const RankingRow& row : ranking.rows) device_us += row.is_kernel ? 0 : row.device_us;
  const std::vector<ModuleRow> modules = module_view(profile);
  ASSERT_EQ(modules.size(), 1U);
  EXPECT_NEAR(modules[0].forward_us, device_us, 1e-6 * device_us);
  EXPECT_NE(to_table(modules).find("model forward ms"), std::string::npos);
  EXPECT_NE(to_csv(modules).find("model_forward_us"), std::string::npos);
  EXPECT_NE(ranking.to_csv().find(",model_us,"), std::string::npos);
  EXPECT_NE(records_to_csv(profile).find(",model_ns,"), std::string::npos);
  const std::string trace = to_trace(profile);
  EXPECT_NE(trace.find("\"name\":\"model of test device\""), std::string::npos);
  EXPECT_EQ(trace.find("device_us"), std::string::npos);

  const TemporaryFolder folder;
  save_profile(profile, folder / "profile.json");
  const Profile loaded = load_profile(folder / "profile.json");
  EXPECT_EQ(rank(loaded).to_json(), ranking.to_json());
}

// As when the clock measures its cost while the first records are not yet resolved.
TEST_F(DeviceRanking, StartTimesAreKnownInAnyOrderOfResolving) {
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
  EXPECT_LE(earlier.start_ns + earlier.ns, later.start_ns);
}

// Many tiny kernels, enqueued faster than they run: the timer's events are neither work nor idle time.
TEST_F(DeviceRanking, EventsAreNotIdleTime) {
  constexpr int kernels = 200;
  const Profile profile = profile_of([&] {
    exp(large);
    for (int i = 0; i < kernels; ++i) relu(small);
  });
  const DeviceUse use = rank(profile).device;
  EXPECT_WITHIN(use.timer_us, 3 * 2 * (kernels + 1) * event_us);
  EXPECT_LE(use.dispatch_us, 0.1 * use.timer_us);
}

TEST_F(DeviceRanking, SortsByDeviceOrHost) {
  const auto step = [&] {
    exp(large);
    const OpScope scope("augment");
    emulator::advance_host(1'000'000);
  };
  const Profile profile = profile_of(step);
  EXPECT_EQ(rank(profile).rows.front().name, "exp");
  EXPECT_EQ(rank(profile, {.sort = SortBy::total}).rows.front().name, "exp");
  EXPECT_EQ(rank(profile, {.sort = SortBy::device}).rows.front().name, "exp");
  EXPECT_EQ(rank(profile, {.sort = SortBy::host}).rows.front().name, "augment");
}

TEST_F(DeviceRanking, TheTimerCostsTwoRecordsAnOpAndItsTimeIsSubtracted) {
  relu(small);
  Profiler profiler;
  profiler.start();
  relu(small);
  EXPECT_NEAR(profiler.profile().cost.device_ns, event_us * 1e3, 0.1 * event_us * 1e3);
  const std::size_t before = emulator::modeled_work().size();
  const std::uint64_t created = emulator::created_events();
  constexpr std::size_t ops = 600;
  for (std::size_t i = 0; i < ops; ++i) relu(small);
  std::size_t events = 0;
  const std::vector<emulator::ModeledWork> work = emulator::modeled_work();
  for (std::size_t i = before; i < work.size(); ++i) events += work[i].name == "event" ? 1 : 0;
  EXPECT_LE(events, 2 * ops);
  EXPECT_EQ(emulator::created_events(), created);
  profiler.stop();
  const Ranking ranking = profiler.ranking();
  EXPECT_WITHIN(test::row_of(ranking, "relu").average_us(), true_us([&] { relu(small); }));
}

}  // namespace
}  // namespace metron
