// Random numbers: published Philox vectors, reproducibility, distributions.
#include <metron/core/ops.h>
#include <metron/core/parallel.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <thread>

#include "expect_error.h"

namespace metron::test {
namespace {

constexpr bool gives(const Philox4& block, std::uint32_t a, std::uint32_t b, std::uint32_t c,
                     std::uint32_t d) {
  return block.v[0] == a && block.v[1] == b && block.v[2] == c && block.v[3] == d;
}

// Known answers for philox4x32-10 as published with Random123. Counter words 0 and 1 are the index, 2 and 3
// the stream. Key words 0 and 1 are the seed.
constexpr std::uint64_t ones = ~std::uint64_t{0};
static_assert(gives(philox({0, 0}, 0), 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
static_assert(gives(philox({ones, ones}, ones), 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
static_assert(gives(philox({0x299f31d0a4093822, 0x0370734413198a2e}, 0x85a308d3243f6a88), 0xd16cfe09,
                    0x94fdcceb, 0x5001e420, 0x24126ea1));
static_assert(philox_word({5, 6}, 7) == philox({5, 6}, 1).v[3]);
static_assert(uniform_float(0) == 0 && uniform_float(0xffffffff) == 1 - 0x1p-24f &&
              uniform_float(1u << 31) == 0.5f);

std::vector<float> drawn(const Tensor& x) { return x.to_vector<float>(); }

class Seeded : public testing::Test {
 protected:
  Seeded() { manual_seed(2024); }
  ~Seeded() override { set_num_threads(threads); }
  const int threads = num_threads();
};

TEST_F(Seeded, TheSeedDeterminesAllNumbers) {
  const std::vector<float> first = drawn(rand_normal({100})), second = drawn(rand_normal({100}));
  EXPECT_NE(first, second);
  manual_seed(2024);
  EXPECT_EQ(drawn(rand_normal({100})), first);
  EXPECT_EQ(drawn(rand_normal({100})), second);
  manual_seed(2025);
  EXPECT_NE(drawn(rand_normal({100})), first);
}

TEST_F(Seeded, ContinuesFromASavedState) {
  dropout(Tensor::ones({3}), 0.5);
  const PhiloxKey saved = random_state();
  EXPECT_EQ(saved.seed, 2024u);
  EXPECT_EQ(saved.stream, 1u);
  const auto first = drawn(rand_uniform({100}));
  manual_seed(3);
  EXPECT_EQ(random_state().stream, 0u);
  set_random_state(saved);
  EXPECT_EQ(drawn(rand_uniform({100})), first);
  EXPECT_EQ(random_state().stream, 2u);
}

TEST_F(Seeded, ElementsDependOnTheirIndexAlone) {
  const std::vector<float> few = drawn(rand_uniform({10}));
  manual_seed(2024);
  const std::vector<float> many = drawn(rand_uniform({1000}));
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
  manual_seed(2024);
  const Tensor image = rand_uniform({2, 5, 10, 10}, 0, 1, {DType::float32, {}, MemoryFormat::channels_last});
  EXPECT_EQ(drawn(image), many);
}

TEST_F(Seeded, ResultsDoNotDependOnThreadCount) {
  const auto all = [] {
    manual_seed(7);
    std::vector<std::vector<float>> results;
    results.push_back(drawn(rand_uniform({100'003})));
    results.push_back(drawn(rand_normal({100'003})));
    results.push_back(drawn(dropout(Tensor::ones({331, 307}), 0.3)));
    results.push_back(drawn(dropout2d(Tensor::ones({31, 33, 11, 13}), 0.3)));
    return results;
  };
  set_num_threads(1);
  const auto one = all();
  set_num_threads(2);
  EXPECT_EQ(all(), one);
  set_num_threads(3);
  EXPECT_EQ(all(), one);
}

TEST_F(Seeded, KeysAreUnique) {
  std::vector<std::vector<std::uint64_t>> streams(4);
  std::vector<std::thread> workers;
  for (std::vector<std::uint64_t>& mine : streams) {
    workers.emplace_back([&mine] {
      for (int i = 0; i < 1000; ++i) mine.push_back(next_philox_key().stream);
    });
  }
  for (std::thread& worker : workers) worker.join();
  std::set<std::uint64_t> all;
  for (const auto& mine : streams) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 4000u);
  EXPECT_EQ(next_philox_key().stream, 4000u);
}

// Moments of a million numbers, within five standard errors.
constexpr std::int64_t count = 1'000'000;

double central_moment(const std::vector<double>& values, double mean, int order) {
  double total = 0;
  for (const double value : values) total += std::pow(value - mean, order);
  return total / static_cast<double>(values.size());
}

TEST_F(Seeded, UniformMoments) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const std::vector<double> values =
        rand_uniform({count}, 0, 1, {dtype}).to(DType::float64).to_vector<double>();
    EXPECT_NEAR(central_moment(values, 0, 1), 0.5, 5 * std::sqrt(1. / 12 / count));
    EXPECT_NEAR(central_moment(values, 0.5, 2), 1. / 12, 5 * std::sqrt(1. / 180 / count));
    EXPECT_GE(*std::min_element(values.begin(), values.end()), 0);
    EXPECT_LT(*std::max_element(values.begin(), values.end()), 1);
    for (int tenth = 0; tenth < 10; ++tenth) {
      const auto inside = std::count_if(values.begin(), values.end(),
                                        [&](double v) { return v >= tenth / 10. && v < (tenth + 1) / 10.; });
      EXPECT_NEAR(static_cast<double>(inside), count / 10., 5 * std::sqrt(count * 0.09)) << tenth;
    }
  }
}

TEST_F(Seeded, UniformNeverReachesItsUpperBound) {
  const double high = 1 + 0x1p-22;  // there are two floats in [1, high)
  for (const float value : drawn(rand_uniform({10'000}, 1, high))) {
    ASSERT_GE(value, 1.0f);
    ASSERT_LT(value, high);
  }
  EXPECT_EQ(drawn(rand_uniform({3}, 2, 2)), (std::vector<float>{2, 2, 2}));
}

TEST_F(Seeded, UniformOf16BitsNeverReachesItsUpperBound) {
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    for (const auto& [low, high] :
         {std::pair(0., 1.), std::pair(-1., 0.), std::pair(-2., -1.), std::pair(0., 0.7)}) {
      const std::vector<float> x = drawn(rand_uniform({200'000}, low, high, {dtype}).to(DType::float32));
      EXPECT_LT(static_cast<double>(*std::max_element(x.begin(), x.end())), high) << dtype << ' ' << high;
      EXPECT_GE(static_cast<double>(*std::min_element(x.begin(), x.end())), low) << dtype << ' ' << low;
    }
    EXPECT_EQ(drawn(rand_uniform({2}, 3, 3, {dtype}).to(DType::float32)), (std::vector<float>{3, 3}));
  }
}

// The formula of the first release: seeded programs keep their numbers.
TEST_F(Seeded, UniformFloatsFollowFromTheWords) {
  const std::vector<float> x = drawn(rand_uniform({1000}, -1, 3));
  for (std::size_t i = 0; i < x.size(); ++i)
    ASSERT_EQ(x[i], std::fma(4.0f, uniform_float(philox_word({2024, 0}, i)), -1.0f));
}

TEST_F(Seeded, NormalFloatsFollowFromTheWords) {
  const std::vector<float> x = drawn(rand_normal({1000}, 2, 0.5));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto unit = [&](std::size_t word) {
      return static_cast<double>(uniform_float(philox_word({2024, 0}, word)));
    };
    const double angle = 2 * std::numbers::pi * unit(2 * i + 1);
    ASSERT_NEAR(x[i], 2 + 0.5 * std::sqrt(-2 * std::log(1 - unit(2 * i))) * std::cos(angle), 2e-6);
  }
}

TEST_F(Seeded, DoublesFill53Bits) {
  const std::vector<double> x = rand_uniform({10'000}, 0, 1, {DType::float64}).to_vector<double>();
  std::uint64_t set = 0, unset = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double scaled = x[i] * 0x1p53;
    ASSERT_EQ(scaled, std::floor(scaled));
    set |= static_cast<std::uint64_t>(scaled);
    unset |= ~static_cast<std::uint64_t>(scaled);
    ASSERT_EQ(std::floor(x[i] * 0x1p24) * 0x1p-24,
              static_cast<double>(uniform_float(philox_word({2024, 0}, i))));
  }
  constexpr std::uint64_t all = (std::uint64_t{1} << 53) - 1;
  EXPECT_EQ(set & unset & all, all) << "a bit never changes";
  EXPECT_EQ(std::set<double>(x.begin(), x.end()).size(), x.size());
  const std::vector<double> z = rand_normal({10'000}, 0, 1, {DType::float64}).to_vector<double>();
  EXPECT_EQ(std::set<double>(z.begin(), z.end()).size(), z.size());
}

TEST_F(Seeded, RangesThatOverflowAreRefused) {
  expect_error<ValueError>([] { rand_uniform({1}, -1e308, 1e308, {DType::float64}); },
                           {"[rand_uniform]", "1e+308"});
  expect_error<ValueError>([] { rand_uniform({1}, -3e38, 3e38); }, {"[rand_uniform]", "float32"});
  expect_error<ValueError>([] { rand_uniform({1}, 0, 1e39); }, {"[rand_uniform]", "float32", "1e+39"});
  expect_error<ValueError>([] { rand_uniform({1}, 0, 70000, {DType::float16}); },
                           {"[rand_uniform]", "float16"});
  expect_error<ValueError>([] { rand_uniform({1}, 0, 1e39, {DType::bfloat16}); },
                           {"[rand_uniform]", "bfloat16"});
  expect_error<ValueError>([] { rand_uniform({1}, 1 - 1e-9, 1); }, {"[rand_uniform]", "no float32"});
  expect_error<ValueError>([] { rand_uniform({1}, 0.9999, 1, {DType::bfloat16}); },
                           {"[rand_uniform]", "no bfloat16"});
  expect_error<ValueError>([] { rand_normal({1}, 1e39); }, {"[rand_normal]", "float32", "1e+39"});
  expect_error<ValueError>([] { rand_normal({1}, 0, 1e5, {DType::float16}); }, {"[rand_normal]", "float16"});
  const std::vector<float> x =
      drawn(rand_uniform({10'000}, -65504, 65504, {DType::float16}).to(DType::float32));
  for (const float value : x) ASSERT_LT(std::abs(value), 65504.5f);
}

TEST_F(Seeded, NormalMoments) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const std::vector<double> values =
        rand_normal({count}, 0, 1, {dtype}).to(DType::float64).to_vector<double>();
    EXPECT_NEAR(central_moment(values, 0, 1), 0, 5 * std::sqrt(1. / count));
    EXPECT_NEAR(central_moment(values, 0, 2), 1, 5 * std::sqrt(2. / count));
    EXPECT_NEAR(central_moment(values, 0, 3), 0, 5 * std::sqrt(15. / count));
    EXPECT_NEAR(central_moment(values, 0, 4), 3, 5 * std::sqrt(96. / count));
    const auto inside = std::count_if(values.begin(), values.end(), [](double v) { return std::abs(v) < 1; });
    EXPECT_NEAR(static_cast<double>(inside), count * 0.682689, 5 * std::sqrt(count * 0.2166));
    EXPECT_TRUE(std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); }));
  }
  const std::vector<double> shifted = rand_normal({count}, 3, 0.5, {DType::float64}).to_vector<double>();
  EXPECT_NEAR(central_moment(shifted, 0, 1), 3, 2.5 * std::sqrt(1. / count));
}

TEST_F(Seeded, NarrowTypesRoundTheSameNumbers) {
  const Tensor single = rand_normal({1000});
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    manual_seed(2024);
    EXPECT_EQ(drawn(rand_normal({1000}, 0, 1, {dtype}).to(DType::float32)),
              drawn(single.to(dtype).to(DType::float32)));
  }
}

TEST_F(Seeded, DropoutDropsWithProbabilityPAndScalesKeptElements) {
  for (const double p : {0.1, 0.3, 0.5, 0.9}) {
    const std::vector<float> y = drawn(dropout(Tensor::ones({count}), p));
    const auto dropped = std::count(y.begin(), y.end(), 0.0f);
    EXPECT_NEAR(static_cast<double>(dropped), count * p, 5 * std::sqrt(count * p * (1 - p)));
    const auto kept = std::find_if(y.begin(), y.end(), [](float v) { return v != 0; });
    EXPECT_FLOAT_EQ(*kept, static_cast<float>(1 / (1 - p)));
    EXPECT_EQ(std::count(y.begin(), y.end(), *kept), count - dropped);
  }
}

TEST_F(Seeded, Dropout2dDropsWholeChannels) {
  const std::vector<float> y = drawn(dropout2d(Tensor::ones({64, 32, 5, 7}), 0.25));
  int dropped = 0;
  for (std::size_t plane = 0; plane < 64 * 32; ++plane) {
    const auto begin = y.begin() + static_cast<std::ptrdiff_t>(plane * 35);
    ASSERT_EQ(std::count(begin, begin + 35, *begin), 35) << plane;
    dropped += *begin == 0 ? 1 : 0;
  }
  EXPECT_NEAR(dropped, 512, 5 * std::sqrt(2048 * 0.1875));
}

TEST_F(Seeded, BackwardReusesTheForwardMask) {
  for (const Shape& shape : {Shape{100, 100}, Shape{10, 10, 10, 10}}) {
    const Tensor x = Tensor::ones(shape).set_requires_grad();
    const Tensor y = shape.size() == 2 ? dropout(x, 0.4) : dropout2d(x, 0.4);
    manual_seed(1);  // the mask follows from the key that the op drew, not from the generator's current state
    y.backward(Tensor::ones(shape));
    EXPECT_EQ(drawn(x.grad()), drawn(y.detach()));
  }
}

}  // namespace
}  // namespace metron::test
