// The report's statistics: against hand-computed values, and their coverage.
#include <gtest/gtest.h>
#include <metron/core/error.h>
#include <metron/core/random.h>
#include <metron/tools/statistics.h>

#include <cmath>

namespace metron::tools {
namespace {

std::vector<Measured> items(const std::vector<double>& values, double noise = 0) {
  std::vector<Measured> all;
  for (const double value : values) all.push_back({{value}, noise});
  return all;
}

RankCorrelation tau(const std::vector<double>& a, const std::vector<double>& b, double noise = 0) {
  return rank_correlation(items(a, noise), items(b));
}

TEST(Statistics, MediansAndQuantiles) {
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({5, 1, 3}), 3);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(quantile({1, 2, 3, 4, 5}, 0), 1);
  EXPECT_EQ(quantile({5, 4, 3, 2, 1}, 1), 5);
  EXPECT_DOUBLE_EQ(quantile({0, 10}, 0.25), 2.5);
  EXPECT_THROW(median({}), ValueError);
  EXPECT_THROW(quantile({1}, 1.5), ValueError);
}

TEST(Statistics, TauMatchesHandComputedOrders) {
  EXPECT_DOUBLE_EQ(tau({1, 2, 3, 4}, {10, 20, 30, 40}).tau, 1);
  EXPECT_DOUBLE_EQ(tau({1, 2, 3, 4}, {4, 3, 2, 1}).tau, -1);
  EXPECT_DOUBLE_EQ(tau({1, 2, 3, 4}, {1, 3, 2, 4}).tau, 4.0 / 6);  // one of six pairs is discordant
  // x = 1 1 2 3, y = 1 2 2 3: 4 concordant, one pair tied in x, one in y: 4 / sqrt(5 * 5).
  const RankCorrelation ties = tau({1, 1, 2, 3}, {1, 2, 2, 3});
  EXPECT_DOUBLE_EQ(ties.tau, 0.8);
  EXPECT_EQ(ties.tied_first, 1);
  EXPECT_EQ(ties.tied_second, 1);
}

TEST(Statistics, DifferencesWithinTheNoiseAreTies) {
  const RankCorrelation exact = tau({10, 10.5, 30}, {2, 1, 3});
  EXPECT_DOUBLE_EQ(exact.tau, 1.0 / 3);
  const RankCorrelation noisy = tau({10, 10.5, 30}, {2, 1, 3}, 1);
  EXPECT_EQ(noisy.tied_first, 1);
  EXPECT_DOUBLE_EQ(noisy.tau, 2 / std::sqrt(2. * 3));
}

TEST(Statistics, TauIsUndefinedForAConstantSide) {
  EXPECT_FALSE(tau({}, {}).defined);
  EXPECT_FALSE(tau({1}, {2}).defined);
  EXPECT_FALSE(tau({1, 1, 1}, {1, 2, 3}).defined);
  EXPECT_THROW(tau({1, 2}, {1}), ValueError);
  EXPECT_THROW(rank_correlation(items({1, 2}), items({1, 2}), {.resamples = 0}), ValueError);
}

TEST(Statistics, TheSameSeedGivesTheSameInterval) {
  const std::vector<double> a{1, 5, 2, 8, 3, 9, 4}, b{2, 4, 3, 9, 1, 8, 7};
  const RankCorrelation one = rank_correlation(items(a), items(b), {.seed = 7});
  const RankCorrelation same = rank_correlation(items(a), items(b), {.seed = 7});
  const RankCorrelation other = rank_correlation(items(a), items(b), {.resamples = 50, .seed = 8});
  EXPECT_EQ(one.interval.low, same.interval.low);
  EXPECT_EQ(one.interval.high, same.interval.high);
  EXPECT_NE(one.interval.low, other.interval.low);
  EXPECT_LE(one.interval.low, one.tau);
  EXPECT_GE(one.interval.high, one.tau);
}

// No resample can swap two items with disjoint samples. An item drawn twice forms no pair with itself.
TEST(Statistics, TheIntervalOfAPerfectOrderIsDegenerate) {
  std::vector<Measured> first, second;
  for (int i = 0; i < 8; ++i) {
    const double base = 100 * (i + 1);
    first.push_back({{base, base + 1, base + 2, base + 3, base + 4}, 0.1});
    second.push_back({{base + 3, base, base + 1, base + 4, base + 2}, 0.1});
  }
  const RankCorrelation perfect = rank_correlation(first, second);
  EXPECT_EQ(perfect.tau, 1);
  EXPECT_EQ(perfect.interval.low, 1);
  EXPECT_EQ(perfect.interval.high, 1);
}

// About 190 of 200 intervals at 95 % must contain the true median.
TEST(Statistics, TheIntervalHasNominalCoverage) {
  int covered = 0;
  std::uint64_t word = 0;
  const auto uniform = [&] { return static_cast<double>(uniform_float(philox_word({3, 1}, word++))); };
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<std::vector<double>> rounds(1);
    for (int i = 0; i < 41; ++i) rounds[0].push_back(std::log(uniform() + 1e-9));  // skewed; median log(1/2)
    const Interval interval = bootstrap_median(rounds, {.resamples = 300});
    covered += interval.low <= std::log(0.5) && std::log(0.5) <= interval.high ? 1 : 0;
  }
  EXPECT_GE(covered, 178);
}

TEST(Statistics, VarianceBetweenRoundsWidensTheInterval) {
  const std::vector<std::vector<double>> alike{{1, 2, 3}, {1, 2, 3}, {1, 2, 3}};
  const std::vector<std::vector<double>> drifting{{1, 1, 1}, {2, 2, 2}, {3, 3, 3}};
  const Interval drift = bootstrap_median(drifting);
  EXPECT_EQ(drift.low, 1);
  EXPECT_EQ(drift.high, 3);
  const Interval calm = bootstrap_median(alike);
  EXPECT_LE(calm.high - calm.low, 2);
  EXPECT_THROW(bootstrap_median({}), ValueError);
}

}  // namespace
}  // namespace metron::tools
