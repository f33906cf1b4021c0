// Every provider against the portable one, forward and backward, and whether the table of op cases reaches
// all of their kernels.
#include <metron/core/profiler/profiler.h>
#include <metron/kernels/providers.h>

#include <map>
#include <set>
#include <string_view>

#include "op_case_runner.h"

namespace metron::test {
namespace {

// Bounds two summation orders of at most 10^5 terms, added in blocks, with unit-sized operands.
double tolerance(DType dtype) { return dtype == DType::float64 ? 2e-13 : 2e-6; }

void expect_close(const Outcome& got, const Outcome& want, double allowed) {
  EXPECT_TRUE(close(got.output, want.output, allowed)) << "the output";
  for (std::size_t i = 0; i < want.gradients.size(); ++i)
    EXPECT_TRUE(close(got.gradients[i], want.gradients[i], allowed)) << "the gradient of input " << i;
}

class Providers : public testing::TestWithParam<Case> {};

// The slots that each provider (by label) has computed, and the number of cases that were run. In single or
// in double precision: cuDNN's gradient of batch_norm is used in double precision alone.
std::map<std::string_view, std::set<std::string>> reached;
std::size_t cases_run = 0;

// The provider first. The portable one computes what it declines.
Outcome run_preferring(const Provider& p, const Case& c, DType dtype, Device device) {
  const ProviderScope preferred(p.name + (',' + std::string(portable(device).name)));
  Profiler profiler;
  profiler.start();
  Outcome outcome = run(c, dtype, device);
  profiler.stop();
  for (const Record& record : profiler.records()) {
    if (record.provider != nullptr && record.provider == std::string_view(p.label))
      reached[p.label].insert(record.name);
  }
  return outcome;
}

// In single precision, the portable one is compared with itself in double, whose gradients have been verified
// against central differences.
void expect_agreement(const Case& c) {
  for (const Device device : devices()) {
    const Provider last = portable(device);
    const Outcome exact = run_preferring(last, c, DType::float64, device);
    const Outcome single = run_preferring(last, c, DType::float32, device);
    {
      SCOPED_TRACE(testing::Message() << c << " on " << device << ", in single precision");
      expect_close(single, exact, tolerance(DType::float32));
    }
    for (const Provider& p : providers_of(device)) {
      if (p.name == std::string_view(last.name)) continue;
      const double roundings = p.name == std::string_view("winograd") ? 4 : 1;  // its transforms round, too
      for (const DType dtype : {DType::float32, DType::float64}) {
        SCOPED_TRACE(testing::Message() << c << ", provider " << p.name << ", " << dtype);
        expect_close(run_preferring(p, c, dtype, device), dtype == DType::float32 ? single : exact,
                     roundings * tolerance(dtype));
      }
    }
  }
  ++cases_run;
}

TEST_P(Providers, AgreeWithThePortableOne) { expect_agreement(GetParam()); }

// METRON_CHECK=1 compares each slot, the test above each op.
TEST_P(Providers, PassCheckingMode) {
  const Case& c = GetParam();
  set_checking(true);
  for (const Device device : devices()) {
    SCOPED_TRACE(testing::Message() << c << " on " << device);
    EXPECT_NO_THROW(run(c, DType::float32, device));
  }
  set_checking(false);
}

INSTANTIATE_TEST_SUITE_P(Cases, Providers, testing::ValuesIn(cases()), test_name);

// GoogleTest runs it after the cases above. A filter may have left them out.
class ProviderCoverage : public testing::TestWithParam<Device> {};

TEST_P(ProviderCoverage, EveryInstalledKernelIsReachedByACase) {
  if (cases_run < cases().size()) {
    for (const Case& c : cases()) expect_agreement(c);
  }
  for (const Provider& p : providers_of(GetParam())) {
    EXPECT_FALSE(p.slot_names.empty()) << p.name;
    for (const char* slot : p.slot_names)
      EXPECT_TRUE(reached[p.label].contains(slot))
          << "no case reaches slot " << slot << " of provider " << p.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, ProviderCoverage, testing::ValuesIn(devices()), [](const auto& suite) {
  return suite.param.is_cpu() ? std::string("cpu") : std::string("cuda");
});

}  // namespace
}  // namespace metron::test
