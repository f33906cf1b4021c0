// The timer: its records, their sums, and its overhead.
#include <gtest/gtest.h>
#include <metron/core/slots.h>
#include <metron/metron.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "ranking_rows.h"

namespace metron {
namespace {

double sum_of_op_shares(const Ranking& ranking) {
  double total = (ranking.outside_us + ranking.timer_us) / ranking.wall_us;
  for (const RankingRow& row : ranking.rows) total += row.is_kernel ? 0 : row.share;
  return total;
}

struct TwoLayers : Module {
  Linear first{64, 64};
  Linear second{64, 10};
  void members(MemberVisitor& visit) override {
    visit.module("first", first);
    visit.module("second", second);
  }
  Tensor forward(const Tensor& x) override { return log_softmax(second(relu(first(x))), 1); }
};

void train_step(TwoLayers& net, Optimizer& optimizer, const Tensor& x, const Tensor& target) {
  optimizer.zero_grad();
  nll_loss(net(x), target).backward();
  optimizer.step();
}

class ProfilerOfTraining : public testing::Test {
 protected:
  ProfilerOfTraining() {
    manual_seed(1);
    x = rand_normal({32, 64});
    target = Tensor::full({32}, 3, {DType::int64});
  }
  void run(int steps) {
    Adadelta optimizer(net.parameters(), {});
    profiler.start();
    for (int i = 0; i < steps; ++i) train_step(net, optimizer, x, target);
    profiler.stop();
  }
  TwoLayers net;
  Tensor x, target;
  Profiler profiler;
};

TEST_F(ProfilerOfTraining, SelfTimesAndSharesSumToTheWallTime) {
  run(50);
  const Ranking ranking = profiler.ranking();
  EXPECT_NEAR(test::sum_of_self(ranking) / ranking.wall_us, 1, 0.01);
  EXPECT_NEAR(sum_of_op_shares(ranking), 1, 0.01);
  EXPECT_GT(ranking.wall_us, 0);
}

TEST_F(ProfilerOfTraining, SeparatesFirstCalls) {
  run(10);
  const Ranking ranking = profiler.ranking();
  const RankingRow* linear = test::find_row(ranking.rows, "linear");
  ASSERT_NE(linear, nullptr);
  EXPECT_EQ(linear->calls + linear->first_calls, 20);
  EXPECT_LE(linear->first_calls, 2);  // none if an earlier test in this process ran these shapes
}

TEST_F(ProfilerOfTraining, AttributesBackwardToItsForwardOpAndModule) {
  run(1);
  int checked = 0;
  const std::vector<Record>& records = profiler.records();
  for (const Record& record : records) {
    if (record.phase != Phase::backward || record.provider != nullptr || record.parent >= 0) continue;
    if (std::string(record.name) != "linear") continue;
    ASSERT_GE(record.forward, 0);
    const Record& forward = records[static_cast<std::size_t>(record.forward)];
    EXPECT_STREQ(forward.name, "linear");
    EXPECT_EQ(forward.phase, Phase::forward);
    EXPECT_EQ(forward.module, record.module);
    EXPECT_EQ(profiler.string(record.module), checked == 0 ? "second" : "first");
    ++checked;
  }
  EXPECT_EQ(checked, 2);
}

TEST_F(ProfilerOfTraining, MarksTheOptimizersPhase) {
  run(1);
  const auto& records = profiler.records();
  const bool found = std::any_of(records.begin(), records.end(), [](const Record& record) {
    return record.phase == Phase::optimizer && record.provider != nullptr &&
           record.name == std::string("adadelta");
  });
  EXPECT_TRUE(found);
}

TEST_F(ProfilerOfTraining, RecordsProviderShapesBytesAndFlops) {
  run(1);
  int found = 0;
  for (const Record& record : profiler.records()) {
    if (record.provider == nullptr || record.name != std::string("matmul") || record.phase != Phase::forward)
      continue;
    if (found++ > 0) continue;
    EXPECT_EQ(profiler.string(record.signature),
              "float32 (32, 64), float32 (64, 64), float32 (64,), float32 (32, 64)");
    EXPECT_EQ(record.bytes, 4 * (32 * 64 + 64 * 64 + 64 + 32 * 64));
    EXPECT_GE(record.flops, 2. * 32 * 64 * 64);
    EXPECT_LE(record.flops, 2. * 32 * 64 * 64 + 32 * 64);
    EXPECT_GE(record.end, record.start);
  }
  EXPECT_EQ(found, 2);
}

TEST_F(ProfilerOfTraining, SortsAndTruncates) {
  run(5);
  const Ranking by_self = profiler.ranking({.sort = SortBy::self, .kernels = false});
  for (std::size_t i = 1; i < by_self.rows.size(); ++i)
    EXPECT_GE(by_self.rows[i - 1].self_us, by_self.rows[i].self_us);
  const Ranking cut = profiler.ranking({.limit = 3, .kernels = false});
  EXPECT_EQ(cut.rows.size(), 3u);
  EXPECT_EQ(cut.hidden_rows, static_cast<std::int64_t>(by_self.rows.size()) - 3);
  // The columns add up although rows are omitted.
  double share = cut.hidden.share + (cut.outside_us + cut.timer_us) / cut.wall_us;
  for (const RankingRow& row : cut.rows) share += row.share;
  EXPECT_NEAR(share, 1, 0.01);
  const Ranking by_module = profiler.ranking({.group = GroupBy::module});
  EXPECT_TRUE(std::any_of(by_module.rows.begin(), by_module.rows.end(), [](const RankingRow& row) {
    return row.module == "second" && row.name == "linear";
  }));
  const std::string table = cut.to_table();
  EXPECT_NE(table.find("outside operators"), std::string::npos);
  EXPECT_NE(table.find("more ops)"), std::string::npos);
}

TEST(Profiler, CountsNestedOpsOnce) {
  const Tensor x = rand_normal({16, 10}), target = rand_normal({16, 10});
  Profiler profiler;
  profiler.start();
  for (int i = 0; i < 20; ++i) mse_loss(x, target);
  profiler.stop();
  const Ranking ranking = profiler.ranking();
  EXPECT_NEAR(test::sum_of_self(ranking) / ranking.wall_us, 1, 0.01);
  const RankingRow* outer = test::find_row(ranking.rows, "mse_loss");
  const RankingRow* inner = test::find_row(ranking.rows, "mean");
  ASSERT_NE(outer, nullptr);
  ASSERT_NE(inner, nullptr);
  EXPECT_GE(outer->total_us, inner->total_us);
  EXPECT_LT(outer->self_us, outer->total_us);
}

TEST(Profiler, RecordsNothingWhenStopped) {
  Profiler profiler;
  profiler.start();
  profiler.stop();
  sum(Tensor::ones({3}));
  EXPECT_TRUE(profiler.records().empty());
  EXPECT_EQ(instruments() & instrument_timer, 0u);
}

TEST(Profiler, RecordsOnlyTheThreadThatStartedIt) {
  Profiler profiler;
  profiler.start();
  std::thread([] { sum(Tensor::ones({3})); }).join();
  profiler.stop();
  EXPECT_TRUE(profiler.records().empty());
}

TEST(Profiler, RejectsASecondProfiler) {
  Profiler first, second;
  first.start();
  EXPECT_THROW(second.start(), Error);
  EXPECT_THROW(first.clear(), Error);
  first.stop();
  second.start();
  second.stop();
}

TEST(Profiler, HandlesThrowingOps) {
  const Tensor x = rand_normal({4, 10}), bad = Tensor::full({4}, 10, {DType::int64});
  Profiler profiler;
  profiler.start();
  EXPECT_THROW(nll_loss(x, bad), ValueError);
  sum(x);
  profiler.stop();
  const std::vector<Record>& records = profiler.records();
  const auto sum_record = std::find_if(
      records.begin(), records.end(), [](const Record& record) { return record.name == std::string("sum"); });
  ASSERT_NE(sum_record, records.end());
  EXPECT_EQ(sum_record->parent, -1);
}

// A clock that reports one microsecond per kernel.
class FakeClock : public DeviceClock {
 public:
  std::uint32_t begin(Device) override { return open_++; }
  void end(Device, std::uint32_t ticket) override { ended_ = std::max(ended_, ticket + 1); }
  double resolve_ns(std::uint32_t ticket) override { return ticket < ended_ ? 1000 : -1; }

 private:
  std::uint32_t open_ = 0, ended_ = 0;
};

TEST(Profiler, UsesTheDeviceClockIfAvailable) {
  install_device_clock(Device::Type::cpu, std::make_unique<FakeClock>());
  Profiler profiler;
  const Tensor x = Tensor::ones({5});
  profiler.start();
  for (int i = 0; i < 4; ++i) sum(x);
  profiler.stop();
  const Ranking ranking = profiler.ranking();
  const RankingRow* row = test::find_row(ranking.rows, "sum");
  ASSERT_NE(row, nullptr);
  EXPECT_DOUBLE_EQ(row->device_us, static_cast<double>(row->calls));
  EXPECT_NE(ranking.to_table().find("device ms"), std::string::npos);
  install_device_clock(Device::Type::cpu, nullptr);
}

// The fastest of several runs, as interference only ever adds time.
template <typename Body>
double fastest_ns(int runs, const Body& body) {
  double best = 1e18;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    best = std::min(
        best, std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

TEST(Profiler, OverheadIsAtMostAMicrosecondPerOp) {
  constexpr int ops = 2000;
  const Tensor x = Tensor::ones({4}), y = Tensor::ones({4});
  const auto work = [&] {
    for (int i = 0; i < ops; ++i) add(x, y);
  };
  const double off = fastest_ns(15, work) / ops;
  Profiler profiler;
  const double on = fastest_ns(15,
                               [&] {
                                 profiler.start();
                                 work();
                                 profiler.stop();
                                 profiler.clear();
                               }) /
                    ops;
  RecordProperty("timer_ns_per_op", static_cast<int>(on - off));
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(on - off, 1000) << "off " << off << " ns, on " << on << " ns";
#endif
}

}  // namespace
}  // namespace metron
