// The providers `direct` and `winograd`: every kind of edge, rounding errors against float64, long sums, the
// number of threads, and the choice between them.
#include <gtest/gtest.h>
#include <metron/core/ops.h>
#include <metron/core/parallel.h>
#include <metron/core/profiler/profiler.h>
#include <metron/core/slot.h>
#include <metron/core/slots.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace metron {
namespace {

Tensor normal(const Shape& shape, std::uint64_t seed) {
  manual_seed(seed);
  return rand_normal(shape);
}

struct Problem {
  Shape x, w;
  Conv2dOptions options;
};
std::ostream& operator<<(std::ostream& out, const Problem& p) {
  return out << p.x << " * " << p.w << ", padding " << p.options.padding.h << ", stride "
             << p.options.stride.h << ", groups " << p.options.groups;
}

// y, gx, gw and gb.
using Passes = std::vector<std::vector<double>>;

Passes passes(const Problem& p, const std::string& providers, DType dtype,
              Activation activation = Activation::none) {
  const ProviderScope scope(providers == "cpu" ? providers : providers + ",cpu");
  const auto leaf = [&](const Shape& shape, std::uint64_t seed) {
    return normal(shape, seed).to(dtype).set_requires_grad();
  };
  const Tensor x = leaf(p.x, 1), w = leaf(p.w, 2), b = leaf({p.w[0]}, 3);
  const Tensor y = conv2d(x, w, b, p.options, activation);
  y.backward(normal(y.shape(), 4).to(dtype));
  Passes results;
  for (const Tensor& result : {y.detach(), x.grad(), w.grad(), b.grad()})
    results.push_back(result.to(DType::float64).contiguous().to_vector<double>());
  return results;
}

double rms(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum / static_cast<double>(std::max<std::size_t>(values.size(), 1)));
}

std::vector<double> difference(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> values(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) values[i] = a[i] - b[i];
  return values;
}

// The providers that computed a slot of conv2d since `profiler` started.
std::set<std::string> used(Profiler& profiler) {
  std::set<std::string> names;
  for (const Record& record : profiler.records()) {
    if (record.provider != nullptr && std::string(record.name).starts_with("conv2d_"))
      names.insert(record.provider);
  }
  return names;
}

const Problem problems[] = {
    {{2, 32, 10, 10}, {32, 32, 3, 3}, {}},
    {{1, 32, 26, 26}, {64, 32, 3, 3}, {}},
    {{3, 32, 7, 9}, {32, 32, 3, 3}, {.padding = 1}},
    {{2, 64, 3, 3}, {32, 64, 3, 3}, {}},
    {{2, 32, 4, 5}, {64, 32, 3, 3}, {.padding = {2, 0}}},
    {{1, 32, 1, 2}, {32, 32, 3, 3}, {.padding = 3}},
    {{5, 32, 13, 6}, {96, 32, 3, 3}, {.padding = {0, 4}}},
    {{1, 96, 8, 8}, {64, 96, 3, 3}, {.padding = 1}},
    {{9, 64, 9, 10}, {32, 64, 3, 3}, {.padding = {1, 3}}},
    {{8, 32, 26, 26}, {64, 32, 3, 3}, {}},
};

const Problem direct_problems[] = {
    {{2, 1, 28, 28}, {32, 1, 3, 3}, {}},
    {{2, 3, 11, 14}, {17, 3, 5, 5}, {.padding = 2}},
    {{1, 5, 9, 23}, {40, 5, 3, 2}, {.stride = 2, .padding = 1}},
    {{2, 16, 9, 9}, {24, 8, 3, 3}, {.stride = {1, 3}, .padding = {1, 2}, .dilation = {2, 1}, .groups = 2}},
    {{2, 6, 12, 40}, {6, 2, 4, 3}, {.padding = 1, .dilation = {1, 2}, .groups = 3}},
    {{1, 200, 5, 5}, {8, 200, 3, 3}, {.padding = 1}},
    {{1, 4, 2, 2}, {4, 4, 3, 3}, {.padding = 5}},
    {{1, 3, 5, 4}, {2, 3, 1, 1}, {.stride = 2}},
};

// In units of 2^-24 times the result's rms, a running sum of n normal terms has an rms error of sqrt(n / 6):
// 8 for the longest chain, of 447. Winograd's chains are shorter, and its transforms amplify their errors
// less than three times.
// The results of a tile differ: by the norms of the matrices' rows, the corner of a tile has up to twice the
// mean error. The largest of 10^6 errors is within six deviations.
void expect_accurate(const Problem& p, const std::string& provider, Activation activation) {
  SCOPED_TRACE(testing::Message() << p << " by " << provider);
  const Passes exact = passes(p, "cpu", DType::float64, activation);
  Profiler profiler;
  profiler.start();
  const Passes computed = passes(p, provider, DType::float32, activation);
  profiler.stop();
  EXPECT_EQ(used(profiler), std::set<std::string>{provider});
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const double error = rms(difference(computed[i], exact[i])), scale = std::max(rms(exact[i]), 1.0);
    EXPECT_LE(error, 24 * 0x1p-24 * scale) << "rms of result " << i;
    double worst = 0;
    for (std::size_t k = 0; k < exact[i].size(); ++k)
      worst = std::max(worst, std::abs(exact[i][k] - computed[i][k]));
    EXPECT_LE(worst, 6 * 2 * 24 * 0x1p-24 * scale) << "largest of result " << i;
  }
}

TEST(ConvAlgorithms, WinogradIsAccurateAtEveryEdge) {
  for (const Problem& p : problems) {
    expect_accurate(p, "winograd", Activation::none);
    expect_accurate(p, "winograd", Activation::relu);
  }
}

TEST(ConvAlgorithms, DirectIsAccurateForEveryOption) {
  for (const Problem& p : problems) expect_accurate(p, "direct", Activation::none);
  for (const Problem& p : direct_problems) {
    expect_accurate(p, "direct", Activation::none);
    expect_accurate(p, "direct", Activation::relu);
  }
}

// docs/performance.md states this ratio.
TEST(ConvAlgorithms, WinogradHasAtMostFourTimesTheDirectError) {
  const Problem p{{8, 32, 26, 26}, {64, 32, 3, 3}, {}};
  const Passes exact = passes(p, "cpu", DType::float64);
  const Passes direct = passes(p, "direct", DType::float32), winograd = passes(p, "winograd", DType::float32);
  for (std::size_t i = 0; i < 3; ++i) {
    const double ratio = rms(difference(winograd[i], exact[i])) / rms(difference(direct[i], exact[i]));
    EXPECT_LE(ratio, 4) << "result " << i;
    RecordProperty("ratio_" + std::to_string(i), std::to_string(ratio));
  }
}

TEST(ConvAlgorithms, TheNumberOfThreadsDoesNotChangeABit) {
  const int before = num_threads();
  for (const std::string provider : {"direct", "winograd"}) {
    for (const Problem& p : {Problem{{7, 32, 26, 26}, {64, 32, 3, 3}, {}},
                             Problem{{40, 32, 15, 15}, {32, 32, 3, 3}, {.padding = 1}}}) {
      set_num_threads(1);
      const Passes serial = passes(p, provider, DType::float32);
      for (const int threads : {2, 3, 5}) {
        set_num_threads(threads);
        EXPECT_EQ(passes(p, provider, DType::float32), serial) << p << ' ' << provider << ' ' << threads;
      }
    }
  }
  set_num_threads(before);
}

// A running sum of n equal terms is off by up to 3/8 n units in the last place.
TEST(ConvAlgorithms, WeightGradientsOfManyPixelsAreAccurate) {
  const Tensor x = Tensor::full({90, 16, 66, 66}, 0.7F), g = Tensor::full({90, 32, 64, 64}, 0.3F);
  const double exact = 90.0 * 64 * 64 * static_cast<double>(0.7F) * static_cast<double>(0.3F);
  const double exact_bias = 90.0 * 64 * 64 * static_cast<double>(0.3F);
  for (const std::string provider : {"direct", "winograd"}) {
    Tensor gw = Tensor::empty({32, 16, 3, 3}), gb = Tensor::empty({32});
    const ProviderScope preferred(provider + ",cpu");
    kernel::conv2d_backward_weight(g.to(MemoryFormat::channels_last), x.to(MemoryFormat::channels_last), {},
                                   gw, gb);
    for (const float value : gw.to_vector<float>()) EXPECT_NEAR(value / exact, 1, 1e-5) << provider;
    for (const float value : gb.to_vector<float>()) EXPECT_NEAR(value / exact_bias, 1, 1e-5) << provider;
  }
}

TEST(ConvAlgorithms, ReluKeepsNaN) {
  for (const std::string provider : {"direct", "winograd"}) {
    const ProviderScope preferred(provider + ",cpu");
    const Tensor y =
        conv2d(Tensor::full({1, 32, 6, 6}, NAN), normal({32, 32, 3, 3}, 1), {}, {}, Activation::relu);
    for (const float value : y.contiguous().to_vector<float>()) EXPECT_TRUE(std::isnan(value)) << provider;
  }
}

// Without an order of the user's, one provider computes each pass, the same in every run.
TEST(ConvAlgorithms, TheChoiceFollowsTheShape) {
  const auto chosen = [](const Problem& p) {
    Profiler profiler;
    profiler.start();
    const Tensor x = normal(p.x, 1).set_requires_grad(), w = normal(p.w, 2).set_requires_grad();
    sum(conv2d(x, w, {}, p.options)).backward();
    profiler.stop();
    return used(profiler);
  };
  const bool is_off = provider("winograd").on_request;
  EXPECT_EQ(chosen({{64, 32, 26, 26}, {64, 32, 3, 3}, {}}).count("winograd"), is_off ? 0U : 1U);
  EXPECT_EQ(chosen({{8, 32, 26, 26}, {64, 32, 3, 3}, {.stride = 2}}).count("winograd"), 0U);
  EXPECT_EQ(chosen({{8, 32, 26, 26}, {64, 32, 5, 5}, {}}).count("winograd"), 0U);
}

}  // namespace
}  // namespace metron
