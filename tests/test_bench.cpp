// `metron bench`: wrong kernels are reported as wrong, and timings agree with an independent benchmark.
#include <benchmark/benchmark.h>
#include <gtest/gtest.h>
#include <metron/core/error.h>
#include <metron/core/slots.h>
#include <metron/kernels/providers.h>
#include <metron/layers/models/mnist_cnn.h>
#include <metron/metron.h>
#include <metron/tools/bench/bench.h>
#include <metron/tools/statistics.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

namespace metron::tools {
namespace {

#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr bool times_mean_something = true;
#else
constexpr bool times_mean_something = false;
#endif

using UnaryFunction = bool (*)(const Unary&, const Tensor&, Tensor&);

bool correct(const Unary&, const Tensor& x, Tensor& y) {
  const float* in = x.data<float>();
  float* out = y.mutable_data<float>();
  for (std::int64_t i = 0; i < x.numel(); ++i) out[i] = std::max(in[i], 0.f);
  return true;
}
bool wrong(const Unary& f, const Tensor& x, Tensor& y) {
  correct(f, x, y);
  y.mutable_data<float>()[x.numel() - 1] += 1e-3f;
  return true;
}
bool declines(const Unary&, const Tensor&, Tensor&) { return false; }
bool throws(const Unary&, const Tensor&, Tensor&) { fail<ValueError>("unary", "out of sorts"); }

// Replaces the function for the slot `unary` in the CPU's first provider; another provider must follow it.
class Bench : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_library(providers().front().name)) GTEST_SKIP() << "there is no library";
  }
  void TearDown() override { kernel::unary.set(providers().front().id, nullptr); }

  // The rows of relu3 at batch 1: of the replaced provider and of the portable one.
  static std::vector<BenchRow> rows(UnaryFunction function) {
    kernel::unary.set(providers().front().id, function);
    const std::vector<BenchCase> cases = layer_cases(Device(), {1});
    std::vector<BenchRow> result;
    run_bench(cases, {Device(), {.budget_s = 0.001}, "relu3 forward"}, {100, 10},
              [&](std::span<const BenchRow> found) {
                result.assign(found.begin(), found.end());
                return true;
              });
    return result;
  }
};

TEST_F(Bench, DistinguishesDispositions) {
  const std::vector<std::pair<UnaryFunction, Disposition>> expected{{correct, Disposition::ok},
                                                                    {wrong, Disposition::incorrect},
                                                                    {declines, Disposition::declined},
                                                                    {throws, Disposition::failed}};
  for (const auto& [function, disposition] : expected) {
    const std::vector<BenchRow> found = rows(function);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].disposition, disposition) << name_of(found[0].disposition) << " " << found[0].message;
    EXPECT_EQ(found[0].timing.rounds > 0, disposition == Disposition::ok);
    EXPECT_EQ(found[0].message.find("out of sorts") != std::string::npos, disposition == Disposition::failed);
    EXPECT_EQ(found[0].message.find("no provider") != std::string::npos,
              disposition == Disposition::declined);
    EXPECT_EQ(found[1].disposition, Disposition::ok) << "the portable provider";
    EXPECT_EQ(found[1].vendor_ratio > 0, disposition == Disposition::ok);
  }
}

TEST_F(Bench, WritesRowsToJsonAndCsvUnchanged) {
  const BenchRow row = rows(correct).front();
  const auto json = to_json(row);
  EXPECT_EQ(json.at("disposition"), "ok");
  EXPECT_EQ(json.at("median_ns"), row.timing.median_ns);
  EXPECT_DOUBLE_EQ(json.at("gbytes").get<double>(), row.bytes / row.timing.median_ns);
  const auto commas = [](const std::string& text) { return std::count(text.begin(), text.end(), ','); };
  EXPECT_EQ(commas(to_csv(row)), commas(csv_header()));
  EXPECT_EQ(commas(to_csv(rows(declines).front())), commas(csv_header()));
}

// The kernel calls executed by `run`: each slot with its operands.
template <typename Run>
std::multiset<std::string> calls_of(const Run& run) {
  Profiler profiler;
  profiler.start();
  run();
  profiler.stop();
  const Profile profile = profiler.profile();
  std::multiset<std::string> calls;
  for (const Record& record : profile.records) {
    if (record.provider != nullptr) calls.insert(record.name + (' ' + profile.strings.at(record.signature)));
  }
  return calls;
}

TEST(LayerCases, AreTheCallsOfATrainingStep) {
  for (const Device device : {Device(Device::Type::cpu), Device(Device::Type::cuda)}) {
    if (!has_device(device)) continue;
    models::MnistCnn net;
    net.to(device);
    Adadelta optimizer(net.parameters(), {});
    const Tensor images = rand_uniform({4, 1, 28, 28}).to(device);
    const Tensor labels = Tensor::from(std::vector<std::int64_t>{1, 2, 3, 4}, {4}).to(device);
    std::multiset<std::string> of_the_step = calls_of([&] {
      nll_loss(net(images), labels).backward();
      optimizer.step();
    });
    for (const BenchCase& c : layer_cases(device, {4})) {
      const BenchCall made = c.make(device, DType::float32);
      for (const std::string& call : calls_of(made.run)) {
        const auto found = of_the_step.find(call);
        EXPECT_NE(found, of_the_step.end()) << device.name() << ": " << c.name << " calls " << call;
        if (found != of_the_step.end()) of_the_step.erase(found);
      }
    }
    for (const std::string& call : of_the_step)
      EXPECT_TRUE(call.starts_with("copy") || call.starts_with("fill")) << device.name() << ": " << call;
  }
}

// Pointer chasing through a 1 MiB list: each load depends on the previous one.
TEST(BenchTimes, AreMemoryTimesWhenCachesAreFlushed) {
  if (!times_mean_something) GTEST_SKIP() << "times mean nothing in this build";
  constexpr std::size_t lines = 1 << 14, line = 16;
  std::vector<std::uint32_t> next(lines * line);
  for (std::size_t i = 0; i < lines;
       ++i)  // odd, so that it visits every line; large, to defeat the prefetcher
    next[i * line] = static_cast<std::uint32_t>((5 * i + 7919) % lines * line);
  const std::vector<Contestant> chase{[&](std::int64_t calls) {
    std::uint32_t at = 0;
    for (std::int64_t i = 0; i < calls * std::int64_t{lines}; ++i) at = next[at];
    benchmark::DoNotOptimize(at);
  }};
  const Timing warm = time_interleaved(chase, {}).front();
  const Timing cold = time_interleaved(chase, {.flush = Device()}).front();
  EXPECT_EQ(cold.calls, 1);
  EXPECT_GE(static_cast<double>(warm.calls) * warm.median_ns, 1e6);
  EXPECT_GT(cold.median_ns, 1.5 * warm.median_ns);
}

TEST(Roofs, UseTheTighterOfComputeAndMemoryBounds) {
  const Roofs roofs{100, 10, 1000};
  const auto expect = [](const RoofShare& found, RoofKind kind, double share) {
    EXPECT_EQ(found.kind, kind) << name_of(found.kind);
    EXPECT_DOUBLE_EQ(found.share, share);
  };
  constexpr double large = 1e6;
  expect(roof_share(roofs, 2000, 100, 40, large), RoofKind::compute, 0.5);
  expect(roof_share(roofs, 2000, 300, 40, large), RoofKind::memory, 0.75);
  expect(roof_share(roofs, 2000, 300, 20, large), RoofKind::cached, 1.5);  // faster than memory
  expect(roof_share(roofs, 2000, 300, 40, 1000), RoofKind::cached, 0.75);  // fits in the cache entirely
  expect(roof_share(roofs, 2000, 100, 40, 1000), RoofKind::compute,
         0.5);  // the cache does not speed up computing
  expect(roof_share({100, 10, 0}, 2000, 300, 40, 0), RoofKind::memory, 0.75);  // cache sizes unknown
  expect(roof_share(roofs, 0, 0, 40, large), RoofKind::none, 0);
  expect(roof_share({}, 2000, 300, 40, large), RoofKind::none, 0);
}

// The measured roofs: no kernel may exceed them, even on a busy machine.
TEST(Roofs, AreAboveAchievedKernelRates) {
  if (!times_mean_something) GTEST_SKIP() << "times mean nothing in this build";
  Roofs first = measure_cpu_roofs(), second = measure_cpu_roofs();
  // Another program may have slowed one of them down.
  for (int i = 0; i < 5 && std::abs(first.gflops / second.gflops - 1) > 0.03; ++i)
    first = std::exchange(second, measure_cpu_roofs());
  EXPECT_GT(first.gflops, 1);
  EXPECT_GT(first.gbytes, 1);
  EXPECT_NEAR(first.gflops / second.gflops, 1, 0.03);
  const Tensor a = rand_normal({512, 512}), b = rand_normal({512, 512});
  const NoGradGuard no_grad;
  const std::vector<Contestant> product{[&](std::int64_t calls) {
    for (std::int64_t i = 0; i < calls; ++i) (void)matmul(a, b);
  }};
  const Timing timing = time_interleaved(product, {}).front();
  const double gflops = 2 * 512.0 * 512 * 512 / timing.median_ns;
  EXPECT_LT(gflops, 1.02 * std::max(first.gflops, second.gflops));
}

// ---- Against Google Benchmark ----

// The time it reports per iteration of a benchmark.
class Collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) times.push_back(run.GetAdjustedRealTime());
  }
  std::vector<double> times;
};

double google_median_ns(const BenchCall& call) {
  benchmark::internal::Benchmark* registered =
      benchmark::RegisterBenchmark("call", [&](benchmark::State& state) {
        for (auto _ : state) call.run();
      });
  registered->Repetitions(5)->MinTime(0.01)->Unit(benchmark::kNanosecond)->UseRealTime();
  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector, "call");
  benchmark::ClearRegisteredBenchmarks();
  return quantile(std::vector<double>(collector.times.begin(), collector.times.begin() + 5), 0.5);
}

// Within 10 % in the best of several tries, as the machine may be busy during some of them.
TEST(BenchTimes, AgreeWithGoogleBenchmark) {
  const ProviderScope portable("cpu");
  for (const BenchCase& c : layer_cases(Device(), {16})) {
    if (c.name != "conv2 forward" && c.name != "fc1 forward" && c.name != "relu1 forward" &&
        c.name != "adadelta")
      continue;
    const BenchCall call = c.make(Device(), DType::float32);
    const std::vector<Contestant> contestants{[&](std::int64_t calls) {
      for (std::int64_t i = 0; i < calls; ++i) call.run();
    }};
    double closest = 1e9;
    for (int attempt = 0; attempt < 60 && std::abs(closest - 1) > 0.1; ++attempt) {
      const double ours = time_interleaved(contestants, {.budget_s = 0.05}).front().median_ns;
      const double ratio = ours / google_median_ns(call);
      if (std::abs(ratio - 1) < std::abs(closest - 1)) closest = ratio;
    }
    EXPECT_NEAR(closest, 1, 0.1) << c.name;
  }
}

}  // namespace
}  // namespace metron::tools
