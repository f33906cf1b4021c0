#include <metron/core/error.h>
#include <metron/core/random.h>
#include <metron/tools/statistics.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace metron::tools {
namespace {

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : key_{seed, 0} {}
  std::size_t below(
      std::size_t count) {  // the bias of at most count / 2^32 is far below a bootstrap's resolution
    return static_cast<std::size_t>(std::uint64_t{philox_word(key_, next_++)} * count >> 32);
  }

 private:
  PhiloxKey key_;
  std::uint64_t next_ = 0;
};

double median_in_place(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

Interval percentile_interval(std::vector<double> values, double confidence) {
  std::sort(values.begin(), values.end());
  return {quantile(values, (1 - confidence) / 2), quantile(std::move(values), (1 + confidence) / 2)};
}

void check_options(const BootstrapOptions& options) {
  check<ValueError>(options.resamples > 0 && options.confidence > 0 && options.confidence < 1, "bootstrap",
                    "resamples must be positive and the confidence in (0, 1), got ", options.resamples,
                    " and ", options.confidence);
}

struct Point {
  std::size_t item = 0;
  double value = 0;
  double noise = 0;
};

int order(const Point& a, const Point& b) {
  if (std::abs(a.value - b.value) <= std::max(a.noise, b.noise)) return 0;
  return a.value < b.value ? -1 : 1;
}

struct Pairs {
  int concordance = 0;  // concordant minus discordant pairs
  int total = 0;
  int tied_first = 0;
  int tied_second = 0;
  std::optional<double> tau() const {
    const double first = total - tied_first, second = total - tied_second;
    if (first <= 0 || second <= 0) return std::nullopt;
    return concordance / std::sqrt(first * second);
  }
};

Pairs count_pairs(const std::vector<Point>& first, const std::vector<Point>& second) {
  Pairs pairs;
  for (std::size_t i = 0; i < first.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (first[i].item == first[j].item) continue;  // drawn twice: not a pair
      const int a = order(first[i], first[j]), b = order(second[i], second[j]);
      pairs.concordance += a * b;
      pairs.tied_first += a == 0 ? 1 : 0;
      pairs.tied_second += b == 0 ? 1 : 0;
      ++pairs.total;
    }
  }
  return pairs;
}

Point drawn(std::span<const Measured> items, std::size_t item, Draw& draw, std::vector<double>& scratch) {
  const std::vector<double>& samples = items[item].samples;
  scratch.resize(samples.size());
  for (double& value : scratch) value = samples[draw.below(samples.size())];
  return {item, median_in_place(scratch), items[item].noise};
}

}  // namespace

double quantile(std::vector<double> values, double q) {
  check<ValueError>(!values.empty() && q >= 0 && q <= 1, "quantile",
                    "of at least one value, q in [0, 1], got ", values.size(), " values and q = ", q);
  std::sort(values.begin(), values.end());
  const double position = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (position - static_cast<double>(below)) * (values[above] - values[below]);
}

double median(std::vector<double> values) {
  check<ValueError>(!values.empty(), "median", "of at least one value, got none");
  return median_in_place(values);
}

Interval bootstrap_median(std::span<const std::vector<double>> rounds, const BootstrapOptions& options) {
  check_options(options);
  const bool sound = !rounds.empty() && std::none_of(rounds.begin(), rounds.end(),
                                                     [](const auto& round) { return round.empty(); });
  check<ValueError>(sound, "bootstrap", "of at least one round, none of them empty, got ", rounds.size());
  Draw draw(options.seed);
  std::vector<double> medians, values;
  for (int i = 0; i < options.resamples; ++i) {
    values.clear();
    for (std::size_t r = 0; r < rounds.size(); ++r) {
      const std::vector<double>& round = rounds[draw.below(rounds.size())];
      for (std::size_t s = 0; s < round.size(); ++s) values.push_back(round[draw.below(round.size())]);
    }
    medians.push_back(median_in_place(values));
  }
  return percentile_interval(std::move(medians), options.confidence);
}

RankCorrelation rank_correlation(std::span<const Measured> first, std::span<const Measured> second,
                                 const BootstrapOptions& options) {
  check_options(options);
  check<ValueError>(first.size() == second.size(), "rank_correlation", "both sides need the same items, got ",
                    first.size(), " and ", second.size());
  std::vector<Point> a, b;
  for (std::size_t i = 0; i < first.size(); ++i) {
    a.push_back({i, median(first[i].samples), first[i].noise});
    b.push_back({i, median(second[i].samples), second[i].noise});
  }
  RankCorrelation result;
  const Pairs pairs = count_pairs(a, b);
  result.items = static_cast<int>(first.size());
  result.tied_first = pairs.tied_first;
  result.tied_second = pairs.tied_second;
  const std::optional<double> tau = pairs.tau();
  if (!tau) return result;
  result.defined = true;
  result.tau = *tau;

  Draw draw(options.seed);
  std::vector<double> taus, scratch;
  for (int i = 0; i < options.resamples; ++i) {
    for (std::size_t k = 0; k < first.size(); ++k) {
      const std::size_t item = draw.below(first.size());
      a[k] = drawn(first, item, draw, scratch);
      b[k] = drawn(second, item, draw, scratch);
    }
    if (const std::optional<double> resampled = count_pairs(a, b).tau()) taus.push_back(*resampled);
  }
  result.interval =
      taus.empty() ? Interval{*tau, *tau} : percentile_interval(std::move(taus), options.confidence);
  return result;
}

}  // namespace metron::tools
