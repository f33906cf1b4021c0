// Every op on every provider and device against PyTorch in float64: tests/oracle/README.md.
#include <metron/core/profiler/profiler.h>
#include <metron/kernels/providers.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>

#include "op_case_runner.h"
#include "oracle_agreement.h"
#include "oracle_cases.h"
#include "text_search.h"

namespace metron::test {
namespace {

constexpr const char* folder = METRON_SOURCE_DIR "/tests/oracle";

const std::map<std::string, std::vector<OracleCase>>& oracle() {
  static const std::map<std::string, std::vector<OracleCase>> all = load_oracle(folder);
  return all;
}

std::vector<std::string> declared_ops() {
  return matches(source_text("core/ops.h"), R"(^Tensor ?\(?(\w+)\)?\()");
}

// Where the mask is 0, an element was dropped.
naive::Array masked(naive::Array values, const naive::Array& mask) {
  for (std::size_t i = 0; i < mask.data.size(); ++i) {
    if (mask.data[i] == 0) values.data[i] = 0;
  }
  return values;
}

// Whole planes of (N, C, H, W) are kept or dropped.
void expect_planes(const naive::Array& y) {
  const std::size_t plane = static_cast<std::size_t>(y.shape[2] * y.shape[3]);
  for (std::size_t i = 0; i < y.data.size(); ++i)
    EXPECT_EQ(y.data[i] == 0, y.data[i / plane * plane] == 0) << "element " << i;
}

// Dvoretzky, Kiefer and Wolfowitz bound the distance of two distributions from `count` samples: with this
// margin, one correct stream in a million fails.
void expect_quantiles(const naive::Array& samples, const OracleCase& c) {
  const double count = static_cast<double>(samples.numel());
  const double margin = std::sqrt(std::log(2e6) / (2 * count));
  for (std::size_t i = 0; i < c.quantiles.size(); ++i) {
    const auto below = std::count_if(samples.data.begin(), samples.data.end(),
                                     [&](double x) { return x < c.result.values.data[i]; });
    EXPECT_NEAR(static_cast<double>(below) / count, c.quantiles[i], margin) << "quantile " << i;
  }
}

std::vector<Tensor> tensors_of(const OracleCase& c, DType dtype, Device device) {
  std::vector<Tensor> inputs;
  for (const OracleInput& input : c.inputs) {
    inputs.push_back(
        make_tensor(input.values, is_floating(input.dtype) ? dtype : input.dtype, input.layout, device));
    if (input.wants_gradient) inputs.back().set_requires_grad();
  }
  poison(device, inputs);
  return inputs;
}

// Of a case whose elements may be dropped: what is expected of this result, or of its gradient.
OracleResult expected(const OracleCase& c, OracleResult want, const naive::Array& result) {
  if (c.kept) want.values = masked(std::move(want.values), result);
  return want;
}

void expect_result(const OracleCase& c, const naive::Array& result, const std::vector<Tensor>& inputs,
                   Precision precision) {
  if (!c.quantiles.empty()) return expect_quantiles(result, c);
  EXPECT_TRUE(agrees(result, expected(c, c.result, result), precision)) << "the result";
  if (c.op == "dropout2d") expect_planes(result);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!c.updated[i]) continue;
    EXPECT_TRUE(agrees(to_array(inputs[i]), *c.updated[i], precision)) << "input " << i << ", updated";
  }
}

// Kernels may differ where no gradient is required: max_pool2d then saves no indices.
void expect_inference(const OracleCase& c, DType dtype, Device device, double tolerance) {
  const NoGradGuard inference;
  SCOPED_TRACE("without gradients");
  const std::vector<Tensor> inputs = tensors_of(c, dtype, device);
  expect_result(c, to_array(call_oracle_op(c, inputs, dtype)), inputs, {dtype, tolerance});
}

void expect_agreement(const OracleCase& c, DType dtype, Device device, double tolerance) {
  const std::vector<Tensor> inputs = tensors_of(c, dtype, device);
  const Tensor y = call_oracle_op(c, inputs, dtype);
  const naive::Array result = to_array(y);
  const Precision precision{dtype, tolerance};
  expect_result(c, result, inputs, precision);
  if (!y.requires_grad()) {
    for (const OracleInput& input : c.inputs) EXPECT_FALSE(input.wants_gradient);
    return;
  }
  poison(device, inputs);
  y.backward(make_tensor(c.gradient, y.dtype(), c.gradient_layout, device));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!c.gradients[i]) continue;
    ASSERT_TRUE(inputs[i].grad().defined()) << "the gradient of input " << i;
    EXPECT_TRUE(agrees(to_array(inputs[i].grad()), expected(c, *c.gradients[i], result), precision))
        << "the gradient of input " << i;
  }
  expect_inference(c, dtype, device, tolerance);
}

class Oracle : public testing::TestWithParam<std::string> {
 protected:
  // In the dtypes of each case. The portable kernels of the CPU may decline those of 16 bits. Returns the
  // slots called.
  static std::set<std::string> run(Device device, const std::string& providers) {
    const ProviderScope order(providers);
    const bool by_winograd = providers.starts_with("winograd");  // whose transforms round, too
    Profiler profiler;
    profiler.start();
    for (const OracleCase& c : oracle().at(GetParam())) {
      for (const DType dtype : c.dtypes) {
        SCOPED_TRACE(testing::Message() << c.title << "; " << dtype << ", provider " << providers);
        try {
          expect_agreement(c, dtype, device, by_winograd ? 4 : c.tolerance);
        } catch (const ProviderError& error) {
          if (!device.is_cpu() || size_of(dtype) > 2) ADD_FAILURE() << error.what();
        }
      }
    }
    profiler.stop();
    std::set<std::string> slots;
    for (const Record& record : profiler.records()) {
      if (record.provider == nullptr) continue;
      slots.insert(record.name);
      computed().emplace(record.provider, record.name);
    }
    return slots;
  }

  // (provider, slot) of every call so far.
  static std::set<std::pair<std::string, std::string>>& computed() {
    static std::set<std::pair<std::string, std::string>> all;
    return all;
  }

  // A provider that declines every case was not tested. On a GPU its libraries may be missing.
  static void TearDownTestSuite() {
    const testing::TestSuite& suite = *testing::UnitTest::GetInstance()->current_test_suite();
    if (suite.test_to_run_count() != suite.total_test_count()) return;  // filtered
    for (const Device device : devices()) {
      if (!device.is_cpu() && !backend(device).is_emulated()) continue;
      for (const Provider& p : providers_of(device)) {
        for (const char* slot : p.slot_names) {
          if (!computed().contains({portable(device).name, slot})) continue;
          EXPECT_TRUE(computed().contains({report_name(p.name), slot}))
              << p.name << " computes no case of " << slot;
        }
      }
    }
  }
};

// Of the other providers those that implement a kernel of this op, as recorded from the portable one.
TEST_P(Oracle, AgreesWithPyTorch) {
  for (const Device device : devices()) {
    const Provider last = portable(device);
    const std::set<std::string> called = run(device, last.name);
    for (const Provider& p : providers_of(device)) {
      const bool is_used = std::any_of(p.slot_names.begin(), p.slot_names.end(),
                                       [&](const char* slot) { return called.contains(slot); });
      if (p.name != std::string_view(last.name) && is_used)
        run(device, p.name + (',' + std::string(last.name)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Oracle, testing::ValuesIn([] {
                           std::vector<std::string> ops;
                           for (const auto& [op, cases] : oracle()) ops.push_back(op);
                           return ops;
                         }()),
                         [](const auto& suite) { return suite.param; });

TEST(OracleFiles, EveryOpHasCases) {
  for (const std::string& op : declared_ops()) {
    EXPECT_TRUE(is_oracle_op(op)) << op << " has no call in tests/oracle_ops.cpp";
    EXPECT_TRUE(oracle().contains(op)) << op << " has no case in tests/oracle/";
  }
}

TEST(OracleFiles, CasesAreManyAndTolerancesNarrow) {
  std::size_t cases = 0;
  for (const auto& [op, list] : oracle()) {
    cases += list.size();
    for (const OracleCase& c : list) {
      EXPECT_GT(c.tolerance, 0) << c.title;
      EXPECT_LE(c.tolerance, 4) << c.title;
    }
  }
  EXPECT_GE(cases, 600u);
}

TEST(OracleFiles, TolerancesAreThoseOfTheTable) {
  std::map<std::string, double> stated, used;
  for (const auto& row :
       groups_of_matches(source_text("tests/oracle/README.md"), R"(^\| (`.*`) \| (\d+) \|)")) {
    for (const std::string& op : matches(row[1], "`([a-z0-9_]+)`"))
      EXPECT_TRUE(stated.emplace(op, std::stod(row[2])).second) << op << " is listed twice";
  }
  for (const auto& [op, list] : oracle()) {
    for (const OracleCase& c : list) used.emplace(op, c.tolerance);
  }
  EXPECT_EQ(stated, used);
}

TEST(OracleFiles, AnErrorBeyondTheBoundIsSeen) {
  const OracleResult want{[] {
                            naive::Array two({2});
                            two.data = {2, -1};
                            return two;
                          }(),
                          {2, 1}};
  naive::Array got = want.values;
  const Precision single{DType::float32, 1};
  EXPECT_TRUE(agrees(got, want, single));
  got.data[1] = -1 - 0x1p-23;
  EXPECT_FALSE(agrees(got, want, single));
  EXPECT_TRUE(agrees(got, want, {DType::float32, 2}));
  got.data[1] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(agrees(got, want, single));
  EXPECT_FALSE(agrees(want.values, {naive::reshaped(want.values, {2, 1}), {}}, single));
}

}  // namespace
}  // namespace metron::test
