// Medians, bootstrap intervals and rank correlation. Randomness comes from Philox and a seed: the same
// samples yield the same numbers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace metron::tools {

struct Interval {
  double low = 0;
  double high = 0;
  bool overlaps(const Interval& other) const { return low <= other.high && other.low <= high; }
};

// Interpolates linearly between two values. ValueError for no values or a q outside [0, 1].
double quantile(std::vector<double> values, double q);
double median(std::vector<double> values);

struct BootstrapOptions {
  int resamples = 1000;
  double confidence = 0.95;
  std::uint64_t seed = 1;
};

// The median's percentile interval (Efron and Tibshirani, "An introduction to the bootstrap", 1993, 13.3). A
// two-stage cluster bootstrap: resamples whole rounds, then the samples within each.
Interval bootstrap_median(std::span<const std::vector<double>> rounds, const BootstrapOptions& options = {});

// One side of a comparison: the samples of an item, and the smallest difference they can resolve.
struct Measured {
  std::vector<double> samples;
  double noise = 0;
};

struct RankCorrelation {
  int items = 0;
  bool defined = false;  // at least two items, and neither side is all ties
  double tau = 0;
  Interval interval;
  int tied_first = 0;  // pairs
  int tied_second = 0;
};

// Kendall's tau-b (Kendall, "The treatment of ties in ranking problems", Biometrika 33, 1945) of the medians.
// Two items are tied if they differ by at most the larger of their noises. The interval resamples items, then
// the samples of each. An item drawn twice forms no pair with itself, and resamples in which one side is all
// ties are skipped.
RankCorrelation rank_correlation(std::span<const Measured> first, std::span<const Measured> second,
                                 const BootstrapOptions& options = {});

}  // namespace metron::tools
