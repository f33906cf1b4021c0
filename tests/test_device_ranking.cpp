// Views of a hand-made profile with device times: the ranking, the parts of the wall time, and what the host
// did while the device was idle.
#include <gtest/gtest.h>
#include <metron/metron.h>

#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "expect_error.h"
#include "json.h"
#include "ranking_rows.h"
#include "temporary_folder.h"

namespace metron {
namespace {

constexpr double us = 1e3;                             // in ns
constexpr double origin = 5e6 * us, latency = 2 * us;  // of the device clock; from enqueueing to beginning

class Builder {
 public:
  Builder() {
    profile.start = 1'000'000;
    profile.device_clock = "device";
    profile.module_calls.resize(1);
  }
  // Host times in us from the start. Returns the record's index.
  std::int32_t add(RecordKind kind, const char* name, std::int32_t parent, double from, double to) {
    Record& record = profile.records.emplace_back();
    record.name = name;
    record.kind = kind;
    record.parent = parent;
    record.device = Device::Type::cuda;
    record.start = profile.start + static_cast<std::int64_t>(from * us);
    record.end = profile.start + static_cast<std::int64_t>(to * us);
    return static_cast<std::int32_t>(profile.records.size()) - 1;
  }
  // Work that begins on the device at `begins`, in us from the profile's start on the host's axis.
  void work(RecordKind kind, const char* name, std::int32_t parent, double from, double begins,
            double taken) {
    Record& record = profile.records[static_cast<std::size_t>(add(kind, name, parent, from, from + 1))];
    record.provider = "cuda";
    record.device_start = origin + begins * us;
    record.device_ns = taken * us;
  }
  Profile profile;
};

// conv2d, then relu while the device is busy, a read that waits, the host alone in "augment", and exp.
Profile sample() {
  Builder b;
  const double late = latency / us;
  const std::int32_t conv = b.add(RecordKind::op, "conv2d", -1, 0, 20);
  b.work(RecordKind::kernel, "conv2d_forward", conv, 5, 5 + late, 300);
  const std::int32_t relu = b.add(RecordKind::op, "relu", -1, 20, 30);
  b.work(RecordKind::kernel, "unary", relu, 25, 306 + late, 10);  // 1 us after conv2d
  const std::int32_t to = b.add(RecordKind::op, "to", -1, 30, 340);
  const std::int32_t wait = b.add(RecordKind::wait, "wait", to, 31, 339);
  b.work(RecordKind::copy, "copy_to_host", wait, 32, 316 + late, 4);
  b.add(RecordKind::op, "augment", -1, 340, 640);
  const std::int32_t exp = b.add(RecordKind::op, "exp", -1, 640, 650);
  b.work(RecordKind::kernel, "unary", exp, 645, 645 + late, 100);
  b.profile.wall_ns = static_cast<std::int64_t>(1000 * us);
  return b.profile;
}

std::vector<std::string> ops(const Ranking& ranking) {
  std::vector<std::string> names;
  for (const RankingRow& row : ranking.rows)
    if (!row.is_kernel) names.push_back(row.name);
  return names;
}

TEST(DeviceRanking, SortsSharesAndRatesByTheDevice) {
  Profile profile = sample();
  profile.records[1].flops = 3e9;
  profile.records[1].bytes = 6e6;
  const Ranking ranking = rank(profile);
  EXPECT_EQ(ops(ranking), (std::vector<std::string>{"conv2d", "exp", "relu", "to", "augment"}));
  const RankingRow& conv = test::row_of(ranking, "conv2d");
  EXPECT_DOUBLE_EQ(conv.device_us, 300);
  EXPECT_DOUBLE_EQ(conv.share, 0.3);
  EXPECT_DOUBLE_EQ(conv.average_us(), 300);
  EXPECT_DOUBLE_EQ(conv.gflops(), 1e4);
  EXPECT_DOUBLE_EQ(conv.gbytes(), 20);
  EXPECT_DOUBLE_EQ(conv.self_us, 19);  // of the host
  EXPECT_LT(test::row_of(ranking, "augment").device_us, 0);
}

TEST(DeviceRanking, AReadWaitsAndIsNotACostOfTheOp) {
  const Ranking ranking = rank(sample());
  const RankingRow& to = test::row_of(ranking, "to");
  EXPECT_DOUBLE_EQ(to.device_us, 4);
  EXPECT_DOUBLE_EQ(to.total_us, 2);
  EXPECT_DOUBLE_EQ(to.waiting_us, 308);
  EXPECT_DOUBLE_EQ(ranking.waiting_us, 308);
  double host_us = ranking.outside_us + ranking.timer_us + ranking.waiting_us;
  for (const RankingRow& row : ranking.rows) host_us += row.self_us;
  EXPECT_DOUBLE_EQ(host_us, ranking.wall_us);
}

TEST(DeviceRanking, DividesTheWallAndNamesWhatTheDeviceWaitedFor) {
  const DeviceUse use = rank(sample()).device;
  EXPECT_DOUBLE_EQ(use.busy_us, 410);
  EXPECT_DOUBLE_EQ(use.copies_us, 4);
  EXPECT_DOUBLE_EQ(use.idle_us, 1000 - 414);
  EXPECT_NEAR(use.dispatch_us, 1, 1e-3);
  EXPECT_NEAR(use.outside_us, 255, 1e-3);  // after exp
  EXPECT_EQ(use.cause, "augment");
  EXPECT_NEAR(use.cause_us, 300, 1e-3);
  EXPECT_FALSE(use.bound_by_device());
  const Ranking ranking = rank(sample());
  EXPECT_NEAR(test::row_of(ranking, "conv2d").idle_us, 5, 1e-3);  // before its kernel
  EXPECT_NEAR(test::row_of(ranking, "to").idle_us, 20, 1e-3);     // after the copy
  EXPECT_NEAR(test::row_of(ranking, "exp").idle_us, 5, 1e-3);
  EXPECT_TRUE(contains(ranking.to_table(), {"device ms", "bound by the host", "in augment (0.300 ms)"}))
      << ranking.to_table();
}

TEST(DeviceRanking, ADeviceThatEndsAfterTheHostExtendsTheWall) {
  Profile profile = sample();
  profile.records.resize(4);  // conv2d and relu
  profile.wall_ns = static_cast<std::int64_t>(30 * us);
  const Ranking ranking = rank(profile);
  EXPECT_NEAR(ranking.device.wall_us, 5 + 300 + 1 + 10, 1e-3);
  EXPECT_NEAR(ranking.device.device_waits_us, 5, 1e-3);
  EXPECT_EQ(ranking.device.cause, "conv2d");
  EXPECT_TRUE(
      contains(ranking.to_table(), {"bound by the device", "the device ended 0.286 ms after the host"}));
}

TEST(DeviceRanking, IdleTimeOutsideOfOpsIsPartOfAWallThatTheDeviceExtends) {
  Builder b;
  const std::int32_t exp = b.add(RecordKind::op, "exp", -1, 0, 10);
  b.work(RecordKind::kernel, "unary", exp, 5, 7, 20);
  const std::int32_t sqrt = b.add(RecordKind::op, "sqrt", -1, 500, 510);  // after time outside of ops
  b.work(RecordKind::kernel, "unary", sqrt, 505, 507, 1000);
  b.profile.wall_ns = static_cast<std::int64_t>(520 * us);
  const DeviceUse use = rank(b.profile).device;
  EXPECT_NEAR(use.wall_us, 505 + 1000, 1e-3);
  EXPECT_NEAR(use.behind_us, 505 + 1000 - 520, 1e-3);
  EXPECT_NEAR(use.idle_us, 505 - 20, 1e-3);
  EXPECT_NEAR(use.outside_us, 500 - 25, 1e-3);  // from the end of the first kernel
  EXPECT_EQ(use.cause, "outside operators");
}

TEST(DeviceRanking, DevicesHaveTimelinesOfTheirOwn) {
  Builder b;
  const auto add = [&](double from, double begins, double taken, std::uint8_t device) {
    const std::int32_t op = b.add(RecordKind::op, "exp", -1, from, from + 10);
    b.work(RecordKind::kernel, "unary", op, from + 5, begins, taken);
    b.profile.device_indices.resize(b.profile.records.size());
    b.profile.device_indices.back() = device;
  };
  // Two devices work at the same time. The clock of the second one has another origin.
  add(0, 5, 400, 0);
  add(10, 15 + 7e5, 400, 1);
  add(500, 505, 400, 0);
  add(510, 515 + 7e5, 400, 1);
  b.profile.wall_ns = static_cast<std::int64_t>(1000 * us);
  const Ranking ranking = rank(b.profile);
  const DeviceUse& use = ranking.device;
  EXPECT_EQ(use.devices, 2);
  EXPECT_NEAR(use.wall_us, 2 * 1000, 1e-3);
  EXPECT_NEAR(use.busy_us, 4 * 400, 1e-3);
  EXPECT_NEAR(use.device_waits_us, 2 * 1000 - 4 * 400, 1e-3);
  EXPECT_NEAR(test::row_of(ranking, "exp").idle_us, 5 + 5 + 10 + 5 + 10 + 5, 1e-3);
  EXPECT_NEAR(test::row_of(ranking, "exp").share, 0.8, 1e-6);
  std::set<int> tracks;
  const test::Json trace = test::parse_json(to_trace(b.profile));
  for (const auto& event : trace["traceEvents"])
    if (event["ph"] == "X" && event["cat"] == "device,kernel") tracks.insert(event["tid"].get<int>());
  EXPECT_EQ(tracks, (std::set<int>{3, 4}));
  const TemporaryFolder folder;
  save_profile(b.profile, folder / "profile.json");
  EXPECT_EQ(rank(load_profile(folder / "profile.json")).to_json(), ranking.to_json());
}

TEST(DeviceRanking, RangesHaveTheDeviceTimeOfWhatIsInside) {
  Builder b;
  const std::int32_t outer = b.add(RecordKind::range, "outer", -1, 0, 60);
  const std::int32_t exp = b.add(RecordKind::op, "exp", outer, 0, 10);
  b.work(RecordKind::kernel, "unary", exp, 5, 7, 100);
  const std::int32_t inner = b.add(RecordKind::range, "inner", outer, 10, 40);
  const std::int32_t sqrt = b.add(RecordKind::op, "sqrt", inner, 20, 30);
  b.work(RecordKind::kernel, "unary", sqrt, 25, 107, 300);
  b.add(RecordKind::wait, "wait", inner, 31, 38);
  const std::int32_t after = b.add(RecordKind::op, "relu", -1, 70, 80);
  b.work(RecordKind::kernel, "unary", after, 75, 407, 50);
  b.profile.wall_ns = static_cast<std::int64_t>(1000 * us);
  const Ranking ranking = rank(b.profile);
  ASSERT_EQ(ranking.ranges.size(), 2U);
  EXPECT_EQ(ranking.ranges[0].name, "outer");
  EXPECT_DOUBLE_EQ(ranking.ranges[0].device_us, 400);
  EXPECT_DOUBLE_EQ(ranking.ranges[0].share, 0.4);
  EXPECT_DOUBLE_EQ(ranking.ranges[1].device_us, 300);
  EXPECT_DOUBLE_EQ(ranking.ranges[1].waiting_us, 7);
}

// Shares are of the device's wall time: the host's parts have none.
TEST(DeviceRanking, SharesInACsvFileAddUp) {
  Profile profile = sample();
  profile.cost.device_ns = 1 * us;
  profile.cost.op_ns = 500;
  std::istringstream lines(rank(profile).to_csv());
  std::string line;
  std::getline(lines, line);
  double sum = 0;
  std::map<std::string, std::string> shares;
  while (std::getline(lines, line)) {
    std::vector<std::string> cells;
    std::istringstream fields(line);
    for (std::string cell; std::getline(fields, cell, ',');) cells.push_back(cell);
    shares[cells[0]] = cells[9];
    if (cells[0] == "op" || cells[0] == "timer" || cells[0] == "device_idle") sum += std::stod(cells[9]);
  }
  EXPECT_EQ(shares.at("outside"), "");
  EXPECT_EQ(shares.at("waiting"), "");
  EXPECT_NEAR(sum, 1, 1e-9);
}

// A wait resets the offset of the clocks, so that a drift between them does not add up.
TEST(DeviceRanking, ToleratesClocksThatDrift) {
  Builder b;
  for (int step = 0; step < 100; ++step) {
    const double begin = 1000.0 * step, drift = 3.0 * step;
    const std::int32_t op = b.add(RecordKind::op, "exp", -1, begin, begin + 10);
    b.work(RecordKind::kernel, "unary", op, begin + 5, begin + 7 + drift, 500);
    const std::int32_t read = b.add(RecordKind::op, "to", -1, begin + 10, begin + 520);
    b.add(RecordKind::wait, "wait", read, begin + 11, begin + 519);
  }
  b.profile.wall_ns = static_cast<std::int64_t>(1e5 * us);
  const Ranking ranking = rank(b.profile);
  EXPECT_NEAR(test::row_of(ranking, "exp").idle_us, 500, 5);
  EXPECT_NEAR(ranking.device.dispatch_us, 0, 1);
}

TEST(DeviceRanking, TheEmptyIntervalIsSubtractedAndItsNoiseIsTheFloor) {
  Profile profile = sample();
  profile.cost.device_ns = 2 * us;
  profile.cost.device_noise_ns = 3 * us;
  const Ranking ranking = rank(profile);
  EXPECT_DOUBLE_EQ(test::row_of(ranking, "conv2d").device_us, 298);
  EXPECT_DOUBLE_EQ(test::row_of(ranking, "to").device_us, 2);
  EXPECT_TRUE(test::row_of(ranking, "relu").above_noise);
  EXPECT_FALSE(test::row_of(ranking, "to").above_noise);
}

TEST(DeviceRanking, SortsByHostOnRequest) {
  EXPECT_EQ(ops(rank(sample(), {.sort = SortBy::host})).front(), "augment");
  EXPECT_EQ(ops(rank(sample(), {.sort = SortBy::device})), ops(rank(sample())));
  Profile on_host = sample();
  on_host.device_clock.clear();
  test::expect_error<ValueError>([&] { rank(on_host, {.sort = SortBy::device}); },
                                 {"[rank] SortBy::device requires device times"});
}

TEST(DeviceRanking, ModeledTimesAreCalledSo) {
  Profile profile = sample();
  profile.device_clock = "model of a device";
  for (const std::string& text : {rank(profile).to_table(), rank(profile).to_csv(), rank(profile).to_json(),
                                  to_csv(module_view(profile)), records_to_csv(profile),
                                  to_table(module_view(profile)), to_trace(profile)}) {
    EXPECT_NE(text.find("model"), std::string::npos) << text;
    for (const char* name : {"device ms", "device_us", "device_ns", "device forward", "\"device\":"})
      EXPECT_EQ(text.find(name), std::string::npos) << text;
  }
}

TEST(DeviceRanking, TheTraceHasATrackOfTheDevice) {
  const test::Json trace = test::parse_json(to_trace(sample()));
  std::vector<std::pair<std::string, double>> work;  // and when it begins
  for (const auto& event : trace["traceEvents"])
    if (event["ph"] == "X" && event["tid"] == 3) work.emplace_back(event["name"], event["ts"]);
  ASSERT_EQ(work.size(), 4U);
  const std::vector<std::pair<std::string, double>> expected{
      {"conv2d_forward", 5}, {"unary", 306}, {"copy_to_host", 316}, {"unary", 645}};
  for (std::size_t i = 0; i < work.size(); ++i) {
    EXPECT_EQ(work[i].first, expected[i].first);
    EXPECT_NEAR(work[i].second, expected[i].second, 1e-3);
  }
}

TEST(DeviceRanking, MemoryIsPlacedInDeviceTime) {
  Profile profile = sample();
  profile.memory.push_back(
      {profile.start + static_cast<std::int64_t>(21 * us), 512, 512, 2, Device::Type::cuda});
  profile.memory.push_back(
      {profile.start + static_cast<std::int64_t>(700 * us), -512, 0, -1, Device::Type::cuda});
  const std::string csv = memory_timeline_csv(profile);
  EXPECT_TRUE(
      contains(csv, {",module,device_time_us\n", "21,cuda,512,512,relu,,306\n", "700,cuda,-512,0,,,\n"}))
      << csv;
}

// As in files of version 0.1.0.
TEST(DeviceRanking, WithoutStartTimesNothingIsSaidOfWaiting) {
  Profile profile = sample();
  for (Record& record : profile.records) record.device_start = -1;
  const Ranking known = rank(sample()), unknown = rank(profile);
  EXPECT_TRUE(contains(known.to_table(), {"bound by", "with work enqueued"}));
  EXPECT_EQ(unknown.to_table().find("bound by"), std::string::npos);
  EXPECT_EQ(unknown.to_table().find("with work enqueued"), std::string::npos);
  EXPECT_EQ(unknown.to_json().find("bound_by"), std::string::npos);
  EXPECT_DOUBLE_EQ(unknown.device.busy_us, known.device.busy_us);
}

TEST(DeviceRanking, AFileKeepsDeviceTimes) {
  const TemporaryFolder folder;
  save_profile(sample(), folder / "profile.json");
  EXPECT_EQ(rank(load_profile(folder / "profile.json")).to_json(), rank(sample()).to_json());
}

}  // namespace
}  // namespace metron
