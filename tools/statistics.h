// Medians, bootstrap intervals and rank correlation. Everything random comes from Philox and a seed: the same
// samples give the same numbers.
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

// ValueError for no values, and for a q outside of [0, 1]. Between two values: linear.
double quantile(std::vector<double> values, double q);
double median(std::vector<double> values);

struct BootstrapOptions {
  int resamples = 1000;
  double confidence = 0.95;
  std::uint64_t seed = 1;
};

// The median's percentile interval (Efron and Tibshirani, "An introduction to the bootstrap", 1993, 13.3).
// Samples that were taken together stay together: whole rounds are drawn first, then samples of each.
Interval bootstrap_median(std::span<const std::vector<double>> rounds, const BootstrapOptions& options = {});

// One side of a comparison: what an item measured, and below which difference it can't be told from another.
struct Measured {
  std::vector<double> samples;
  double noise = 0;
};

struct RankCorrelation {
  int items = 0;
  bool defined = false;  // two items at least, and neither side is all ties
  double tau = 0;
  Interval interval;
  int tied_first = 0;  // pairs
  int tied_second = 0;
};

// Kendall's tau-b (Kendall, "The treatment of ties in ranking problems", Biometrika 33, 1945) of the medians.
// Two items are tied where they differ by no more than the larger of their noises. The interval draws items,
// and the samples of each, again and again; an item that was drawn twice makes no pair with itself, and draws
// in which one side is all ties say nothing and are left out.
RankCorrelation rank_correlation(std::span<const Measured> first, std::span<const Measured> second,
                                 const BootstrapOptions& options = {});

}  // namespace metron::tools
