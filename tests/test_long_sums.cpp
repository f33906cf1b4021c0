// Sums of many terms of one sign: within 1e-5 of their value in double at any length, by every provider of
// every device, in products, convolutions, gradients, reductions and losses. Norms of extreme rows.
#include <metron/core/ops.h>
#include <metron/core/parallel.h>
#include <metron/core/random.h>

#include <cmath>
#include <functional>
#include <random>

#include "op_case_runner.h"

namespace metron::test {
namespace {

using Floats = std::vector<float>;

// The providers of a device in their order, or the portable one alone.
struct Order {
  Device device;
  std::string providers;
};

std::vector<Order> orders() {
  std::vector<Order> all;
  for (const Device device : devices()) {
    std::string names;
    for (const Provider& p : providers_of(device)) names += (names.empty() ? "" : ",") + std::string(p.name);
    all.push_back({device, names});
    if (portable(device).name != names) all.push_back({device, portable(device).name});
  }
  return all;
}

[[maybe_unused]] void PrintTo(const Order& order, std::ostream* out) { *out << order.providers; }

// The terms of a sum, and their sum over [0, n) in double. Equal terms drift furthest; a random sum is even.
struct Terms {
  float equal;  // 0: random in [0, 1)

  Floats values(std::int64_t n) const {
    Floats all(static_cast<std::size_t>(n), equal);
    std::minstd_rand random(1);
    for (float& value : all)
      if (equal == 0) value = static_cast<float>(random() % 65536) / 65536;
    return all;
  }
};

class LongSums : public testing::TestWithParam<Order> {
 protected:
  LongSums() : scope_(GetParam().providers) {}

  // Some lengths are those of one and of several levels of sums, and their neighbors.
  std::vector<std::int64_t> lengths(std::int64_t longest) const {
    std::vector<std::int64_t> all{1024, 5001, 16400, (1 << 18) + 3};
    if (!is_cpu() && longest >= 16400) all = {1024, 16400};
    if (has_gpu_libraries() && longest >= 16400) all = {8200};  // just longer than theirs
    std::erase_if(all, [&](std::int64_t n) { return n > longest; });
    return all;
  }
  bool is_cpu() const { return GetParam().device.is_cpu(); }
  bool has_gpu_libraries() const { return GetParam().providers.find("cublas") != std::string::npos; }
  std::int64_t by_device(std::int64_t on_cpu, std::int64_t on_gpu) const {
    return is_cpu() ? on_cpu : on_gpu;
  }

  // Calls body(terms as a tensor (n), their sum) for terms that are equal, and random.
  using Body = std::function<void(const Tensor& terms, double sum)>;
  void for_terms(std::int64_t n, const Body& body) const {
    const std::vector<Terms> kinds = n == 1024 ? std::vector<Terms>{{0.7f}, {0}} : std::vector<Terms>{{0.7f}};
    for (const Terms terms : kinds) {
      const Floats values = terms.values(n);
      double sum = 0;
      for (const float value : values) sum += static_cast<double>(value);
      SCOPED_TRACE(testing::Message() << n << (terms.equal == 0 ? " random terms" : " equal terms"));
      body(Tensor::from(values, {n}).to(GetParam().device), sum);
    }
  }
  Tensor ones(const Shape& shape) const {
    return Tensor::ones(shape, {DType::float32, GetParam().device}).set_requires_grad();
  }
  // All elements are within 1e-5 of `want`.
  static void expect_all(const char* what, const Tensor& got, double want) {
    double worst = 0;
    for (const float value : got.detach().to(Device()).contiguous().to_vector<float>())
      worst = std::max(worst, std::abs(static_cast<double>(value) / want - 1));
    EXPECT_LE(worst, 1e-5) << what;
  }

 private:
  ProviderScope scope_;
};

// (rows, n) of the terms, which are strided or not.
Tensor rows_of(const Tensor& terms, std::int64_t rows) {
  return terms.unsqueeze(0).expand({rows, terms.size(0)}).contiguous();
}

TEST_P(LongSums, Products) {
  for (const std::int64_t n : lengths(by_device((1 << 18) + 3, 16400))) {
    for_terms(n, [&](const Tensor& terms, double sum) {
      const Tensor few = rows_of(terms, 2), many = rows_of(terms, 11);
      expect_all("dot product", matmul(terms, ones({n})), sum);
      expect_all("a row by a matrix", matmul(terms, ones({n, 70})), sum);
      expect_all("a matrix by a column", matmul(many, ones({n})), sum);
      expect_all("few rows", matmul(few, ones({n, 70})), sum);
      expect_all("few columns, transposed", matmul(many, ones({3, n}).transpose(0, 1)), sum);
      expect_all("linear of few rows", linear(few, ones({6, n}), Tensor()), sum);
      expect_all("tiles", matmul(many, ones({n, 20})), sum);
      expect_all("linear", linear(many, ones({20, n}), ones({20}), Activation::relu), sum + 1);
      expect_all("addmm", addmm(ones({9}), many, ones({n, 9})), sum + 1);
      expect_all("weight gradient", matmul(many.transpose(0, 1).contiguous().transpose(0, 1), ones({n, 12})),
                 sum);
      expect_all("batched", matmul(many.unsqueeze(0).expand({2, 11, n}), ones({2, n, 10})), sum);
    });
  }
}

TEST_P(LongSums, ProductsAcrossSeveralBlocksOfTheResult) {
  const std::int64_t n = by_device(20000, 1200);
  for_terms(n, [&](const Tensor& terms, double sum) {
    const std::int64_t rows = by_device(400, 130);
    expect_all("large", matmul(rows_of(terms, rows), ones({n, rows + 7})), sum);
  });
}

// cuBLAS computes large products with a long k in slices.
TEST_P(LongSums, LargeProductsOfLibraries) {
  if (!has_gpu_libraries()) return;
  constexpr std::int64_t n = 8200, rows = 256;
  const Terms terms{0.7f};
  const Tensor a = rows_of(Tensor::from(terms.values(n), {n}).to(GetParam().device), rows);
  const Tensor y = matmul(a, ones({n, rows}));
  expect_all("large", y.slice(0, rows - 9, rows), n * static_cast<double>(0.7f));
}

TEST_P(LongSums, WeightGradients) {
  for (const std::int64_t n : lengths(by_device((1 << 18) + 3, 16384))) {
    for_terms(n, [&](const Tensor& terms, double sum) {
      const Tensor w = ones({6, 5}), b = ones({6});
      linear(ones({n, 5}), w, b).backward(terms.unsqueeze(1).expand({n, 6}).contiguous());
      expect_all("linear, weight", w.grad(), sum);
      expect_all("linear, bias", b.grad(), sum);

      const Tensor table = ones({4, 3});
      const Tensor indices = Tensor::full({n}, 2, {DType::int64, GetParam().device});
      embedding(table, indices).backward(terms.unsqueeze(1).expand({n, 3}).contiguous());
      expect_all("embedding", table.grad().slice(0, 2, 3), sum);
    });
  }
}

TEST_P(LongSums, EmbeddingOfFrequentAndRareRows) {
  const std::int64_t n = by_device(1 << 20, 5000);
  for_terms(n, [&](const Tensor& terms, double sum) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(n), 1);
    rows.front() = 3;
    const Tensor table = ones({40, 2});
    embedding(table, Tensor::from(rows, {n}).to(GetParam().device))
        .backward(terms.unsqueeze(1).expand({n, 2}).contiguous());
    const Floats gradient = table.grad().to(Device()).to_vector<float>();
    const double first = static_cast<double>(terms.to(Device()).to_vector<float>().front());
    EXPECT_NEAR(static_cast<double>(gradient[2]) / (sum - first), 1, 1e-5);
    EXPECT_EQ(static_cast<double>(gradient[6]), first);
    EXPECT_EQ(gradient[0], 0);
  });
}

// The gradients of the kernel and the bias are sums over all pixels.
TEST_P(LongSums, ConvolutionGradientsOverPixels) {
  for (const std::int64_t n : lengths(by_device((1 << 18) + 3, 5001))) {
    struct Sizes {
      std::int64_t channels, outputs, groups;
    };
    for (const Sizes sizes : {Sizes{8, 8, 1}, Sizes{1, 3, 1}, Sizes{4, 4, 4}, Sizes{2, 40, 1}}) {
      for_terms(n, [&](const Tensor& terms, double sum) {
        const Tensor kernel = ones({sizes.outputs, sizes.channels / sizes.groups, 1, 3}),
                     bias = ones({sizes.outputs});
        const Tensor y = conv2d(ones({1, sizes.channels, n, 3}), kernel, bias, {.groups = sizes.groups});
        y.backward(terms.reshape({1, 1, n, 1}).expand(y.shape()).contiguous());
        SCOPED_TRACE(testing::Message() << sizes.channels << " to " << sizes.outputs << " channels, "
                                        << sizes.groups << " groups");
        expect_all("kernel", kernel.grad(), sum);
        expect_all("bias", bias.grad(), sum);
      });
    }
  }
}

// Results are sums over the channels and taps, gradients of the image over the outputs and taps.
TEST_P(LongSums, ConvolutionsOverChannels) {
  for (const std::int64_t n : lengths(by_device(36864, 16400))) {
    for_terms(n, [&](const Tensor& terms, double sum) {
      for (const std::int64_t outputs : {2, 20}) {
        SCOPED_TRACE(testing::Message() << outputs << " channels");
        const Tensor kernel = terms.reshape({1, n, 1, 1}).expand({outputs, n, 1, 1}).contiguous();
        expect_all("forward", conv2d(ones({2, n, 3, 1}), kernel), sum);
        Tensor x = ones({2, outputs, 1, 3});
        const Tensor y = conv2d(x, kernel.transpose(0, 1).contiguous());
        y.backward(Tensor::ones(y.shape(), y.options()));
        expect_all("gradient of the image", x.grad(), sum);
      }
    });
  }
}

TEST_P(LongSums, ConvolutionsOverTaps) {
  for (const std::int64_t n : {448, 1024, 5001}) {
    for_terms(n, [&](const Tensor& terms, double sum) {
      const Tensor kernel = terms.reshape({1, 1, 1, n}).expand({4, 1, 1, n}).contiguous();
      expect_all("one channel", conv2d(ones({1, 1, 2, n + 2}), kernel), sum);
      expect_all("depthwise", conv2d(ones({1, 4, 2, n}), kernel, {}, {.groups = 4}), sum);
    });
  }
}

TEST_P(LongSums, Reductions) {
  for (const std::int64_t n : lengths(by_device(1 << 20, (1 << 18) + 3))) {
    for_terms(n, [&](const Tensor& terms, double sum) {
      expect_all("sum", metron::sum(terms), sum);
      expect_all("mean", mean(terms), sum / static_cast<double>(n));
      if (n > 40000) return;
      expect_all("sum of columns", metron::sum(terms.unsqueeze(1).expand({n, 9}).contiguous(), {0}), sum);
      expect_all("sum of short runs",
                 metron::sum(terms.reshape({n, 1, 1}).expand({n, 9, 2}).contiguous(), {0, 2}), 2 * sum);
      const Tensor image = terms.reshape({1, 1, 1, n}).expand({1, 5, 1, n}).contiguous();
      expect_all("average of a window", avg_pool2d(image, {.kernel = {1, n}}), sum / static_cast<double>(n));
    });
  }
}

TEST_P(LongSums, SoftmaxAndLosses) {
  for (const std::int64_t n : lengths(by_device(1 << 20, 36864))) {
    SCOPED_TRACE(n);
    // One logit is 1 larger, so that the other exponentials are equal and no power of two.
    Floats logits(static_cast<std::size_t>(n));
    logits.front() = 1;
    const Tensor x = Tensor::from(logits, {1, n}).to(GetParam().device);
    const double total = 1 + static_cast<double>(n - 1) * std::exp(-1.0);
    expect_all("softmax", softmax(x, 1).slice(1, 0, 1), 1 / total);
    expect_all("softmax of columns", softmax(rows_of(x.reshape({n}), 3).transpose(0, 1), 0).slice(0, 0, 1),
               1 / total);
    const Tensor target = Tensor::zeros({1}, {DType::int64, GetParam().device});
    expect_all("cross-entropy", cross_entropy(x, target), std::log(total));
    const Tensor many = Tensor::zeros({n, 3}, x.options()), targets = Tensor::zeros({n}, target.options());
    expect_all("mean loss", cross_entropy(many, targets), std::log(3.0));
  }
}

TEST_P(LongSums, ParametersOfNorms) {
  for (const std::int64_t n : lengths(by_device((1 << 18) + 3, 5001))) {
    for_terms(n, [&](const Tensor& terms, double sum) {
      const Tensor w = ones({4}), b = ones({4});
      const Tensor g = terms.unsqueeze(1).expand({n, 4}).contiguous();
      batch_norm(rand_uniform({n, 4}).to(GetParam().device), w, b, {}, {}, true).backward(g);
      expect_all("batch_norm", b.grad(), sum);
      const Tensor v = ones({4}), c = ones({4});
      layer_norm(rand_uniform({n, 4}).to(GetParam().device), {4}, v, c).backward(g);
      expect_all("layer_norm", c.grad(), sum);
    });
  }
}

// In 16 bits: accumulated in float, rounded once.
TEST_P(LongSums, ProductsIn16Bits) {
  if (is_cpu()) return;
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    for (const std::int64_t n : {1024, 16400}) {
      const TensorOptions options{dtype, GetParam().device};
      const Tensor a = Tensor::full({6, n}, 0.125, options), b = Tensor::full({n, 7}, 0.125, options);
      const double ulp = dtype == DType::float16 ? 0x1p-11 : 0x1p-8;
      for (const float value : cast(matmul(a, b), DType::float32).to(Device()).to_vector<float>())
        EXPECT_NEAR(static_cast<double>(value) * 64 / static_cast<double>(n), 1, ulp) << n;
    }
  }
}

// A row, channel or group of n elements whose variance overflows, is subnormal or is small against the mean.
struct Extreme {
  const char* name;
  float (*element)(std::int64_t i);
};
constexpr Extreme extremes[] = {
    {"large", [](std::int64_t i) { return i % 2 == 0 ? 1e20f : -1e20f; }},
    {"two large", [](std::int64_t i) { return i % 4 == 3 || i == 0 ? 3e19f : static_cast<float>(i % 4); }},
    {"far from 0", [](std::int64_t i) { return 10000 + 0.001f * static_cast<float>(i); }},
    {"small", [](std::int64_t i) { return i % 3 == 0   ? 1e-25f
                                          : i % 3 == 1 ? -2e-25f
                                                       : 0.f; }}};

// The result and the gradients of a norm of one row, each divided by its largest element, and these elements.
struct NormResults {
  std::vector<double> values, largest;
};
using Norm = Tensor (*)(const Tensor& x, const Tensor& w);  // both (n)

NormResults results_of(Norm norm, const Floats& row, DType dtype, Device device) {
  const auto n = static_cast<std::int64_t>(row.size());
  const Tensor x = cast(Tensor::from(row, {n}), dtype).to(device).set_requires_grad();
  const Tensor w = Tensor::full({n}, 0.75, {dtype, device}).set_requires_grad();
  const Tensor y = norm(x, w);
  Tensor g = Tensor::zeros({n}, y.options());
  g.slice(0, 0, 1).fill_(1);
  y.backward(g.reshape(y.shape()));
  std::vector<Tensor> all{y.detach(), x.grad()};
  if (w.grad()) all.push_back(w.grad());
  NormResults results;
  for (const Tensor& part : all) {
    const std::vector<double> values =
        cast(part.to(Device()), DType::float64).contiguous().to_vector<double>();
    double largest = 0;
    for (const double value : values) largest = std::max(largest, std::abs(value));
    for (const double value : values) results.values.push_back(value / largest);
    results.largest.push_back(largest);
  }
  return results;
}

// As in float64, as are their gradients.
TEST_P(LongSums, NormsOfExtremeRows) {
  const Norm norms[] = {
      [](const Tensor& x, const Tensor& w) {
        return layer_norm(x.reshape({1, x.numel()}), {x.numel()}, w, w, 0);
      },
      [](const Tensor& x, const Tensor& w) {
        return group_norm(x.reshape({1, 2, x.numel() / 2}), 1, w.slice(0, 0, 2), w.slice(0, 1, 3), 0);
      },
      [](const Tensor& x, const Tensor& w) {
        return batch_norm(x.reshape({x.numel(), 1}), w.slice(0, 0, 1), w.slice(0, 1, 2), {}, {}, true, 0.1,
                          0);
      },
      [](const Tensor& x, const Tensor&) {
        return batch_norm(x.reshape({2, 1, x.numel() / 2}), {}, {}, {}, {}, true, 0.1, 0);
      }};
  for (const Extreme& extreme : extremes) {
    for (const std::int64_t n : {4, 40, 96, 1500}) {  // each kernel of rows
      Floats row;
      for (std::int64_t i = 0; i < n; ++i) row.push_back(extreme.element(i));
      for (const Norm& norm : norms) {
        SCOPED_TRACE(testing::Message() << extreme.name << ", " << n << " elements, norm " << &norm - norms);
        const NormResults want = results_of(norm, row, DType::float64, Device());
        const NormResults got = results_of(norm, row, DType::float32, GetParam().device);
        ASSERT_EQ(got.values.size(), want.values.size());
        double worst = 0;
        for (std::size_t i = 0; i < want.values.size(); ++i) {
          const double error = std::abs(got.values[i] - want.values[i]);
          if (!(error <= worst)) worst = error;  // NaN counts
        }
        EXPECT_LE(worst, 1e-3);
        for (std::size_t i = 0; i < want.largest.size(); ++i)
          EXPECT_NEAR(got.largest[i] / want.largest[i], 1, 1e-3) << i;
      }
    }
  }
}

// The longest sums, where each level of the partial sums is used.
TEST(LongSumsOnTheCpu, ThirtyTwoMillionTerms) {
  constexpr std::int64_t n = 1 << 25;
  const Tensor terms = Tensor::full({n}, 0.1);
  const double sum = n * static_cast<double>(0.1f);
  EXPECT_NEAR(static_cast<double>(matmul(terms, terms).item<float>()) / (sum * static_cast<double>(0.1f)), 1,
              1e-5);
  EXPECT_NEAR(static_cast<double>(metron::sum(terms).item<float>()) / sum, 1, 1e-5);
  Tensor table = Tensor::zeros({1, 1});
  table.set_requires_grad();
  embedding(table, Tensor::zeros({n}, {DType::int64})).backward(terms.reshape({n, 1}));
  EXPECT_NEAR(static_cast<double>(table.grad().item<float>()) / sum, 1, 1e-5);
  Tensor kernel = Tensor::ones({1, 1, 1, 1}), bias = Tensor::ones({1});
  kernel.set_requires_grad();
  bias.set_requires_grad();
  conv2d(Tensor::ones({1, 1, n / 1024, 1024}), kernel, bias).backward(terms.reshape({1, 1, n / 1024, 1024}));
  EXPECT_NEAR(static_cast<double>(kernel.grad().item<float>()) / sum, 1, 1e-5);
  EXPECT_NEAR(static_cast<double>(bias.grad().item<float>()) / sum, 1, 1e-5);
}

// The order of a sum is the same for any number of threads.
TEST(LongSumsOnTheCpu, DoNotDependOnTheNumberOfThreads) {
  const auto results = [] {
    manual_seed(3);
    const std::int64_t n = 50000;
    const Tensor x = rand_uniform({n, 12});
    Tensor w = rand_uniform({12, 9});
    w.set_requires_grad();
    Tensor kernel = rand_uniform({4, 12, 1, 1});
    kernel.set_requires_grad();
    matmul(x, w).backward(rand_uniform({n, 9}));
    const Tensor image = x.reshape({1, 250, 200, 12}).permute({0, 3, 1, 2});
    const Tensor y = conv2d(image, kernel);
    y.backward(rand_uniform(y.shape()));
    Floats all = w.grad().to_vector<float>();
    const Floats more = kernel.grad().to_vector<float>();
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const int threads = num_threads();
  const Floats want = results();
  set_num_threads(1);
  EXPECT_EQ(results(), want);
  set_num_threads(threads);
}

// Providers agree with the portable one on long sums.
TEST(LongSumsOnTheCpu, PassTheCheckOfProviders) {
  set_checking(true);
  const std::int64_t n = 1 << 18;
  Tensor kernel = Tensor::ones({8, 8, 3, 3}), bias = Tensor::zeros({8});
  kernel.set_requires_grad();
  bias.set_requires_grad();
  const Tensor y = conv2d(Tensor::ones({1, 8, n / 64, 64}), kernel, bias, {.padding = 1});
  EXPECT_NO_THROW(y.backward(Tensor::full(y.shape(), 0.1)));
  EXPECT_NO_THROW((void)matmul(Tensor::full({6, n}, 0.1), Tensor::ones({n, 7})));
  set_checking(false);
}

INSTANTIATE_TEST_SUITE_P(Providers, LongSums, testing::ValuesIn(orders()), [](const auto& name) {
  std::string text = name.param.providers;
  std::replace(text.begin(), text.end(), ',', '_');
  return text;
});

}  // namespace
}  // namespace metron::test
