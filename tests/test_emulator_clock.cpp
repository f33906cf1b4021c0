// Rankings by device time, on a modeled device whose true times are known.
#include <gtest/gtest.h>
#include <metron/core/timer/scopes.h>
#include <metron/metron.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "modeled_device.h"
#include "ranking_rows.h"
#include "temporary_folder.h"

namespace metron {
namespace {

using namespace test;

class DeviceRanking : public OnModeledDevice {};

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

}  // namespace
}  // namespace metron
