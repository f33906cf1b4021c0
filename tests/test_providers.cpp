// Every provider against the portable one, forward and backward, and whether the table of op cases reaches
// all of their kernels.
#include <metron/core/profiler/profiler.h>
#include <metron/kernels/providers.h>

#include <set>

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

// The provider under test first. The portable one computes what it declines.
TEST_P(Providers, AgreeWithThePortableOne) {
  const Case& c = GetParam();
  for (const Device device : devices()) {
    const std::string last = portable(device).name;
    for (const DType dtype : {DType::float32, DType::float64}) {
      const Outcome want = [&] {
        const ProviderScope only(last);
        return run(c, dtype, device);
      }();
      for (const Provider& p : providers_of(device)) {
        if (p.name == last) continue;
        SCOPED_TRACE(testing::Message() << c << ", provider " << p.name << ", " << dtype);
        const ProviderScope preferred(p.name + (',' + last));
        expect_close(run(c, dtype, device), want, tolerance(dtype));
      }
    }
  }
}

// The double-precision gradients have been verified against central differences.
TEST_P(Providers, GradientsInSinglePrecisionAgreeWithDouble) {
  const Case& c = GetParam();
  for (const Device device : devices()) {
    SCOPED_TRACE(testing::Message() << c << " on " << device);
    const ProviderScope only(portable(device).name);
    expect_close(run(c, DType::float32, device), run(c, DType::float64, device), tolerance(DType::float32));
  }
}

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

TEST(ProviderCoverage, EveryInstalledKernelIsReachedByACase) {
  for (const Device device : devices()) {
    for (const Provider& p : providers_of(device)) {
      std::set<std::string> reached;
      const ProviderScope preferred(p.name + (',' + std::string(portable(device).name)));
      for (const Case& c : cases()) {
        Profiler profiler;
        profiler.start();
        run(c, DType::float32, device);
        profiler.stop();
        for (const Record& record : profiler.records()) {
          if (record.provider != nullptr && record.provider == std::string_view(p.label))
            reached.insert(record.name);
        }
      }
      EXPECT_FALSE(p.slot_names.empty()) << p.name;
      for (const char* slot : p.slot_names)
        EXPECT_TRUE(reached.contains(slot)) << "no case reaches slot " << slot << " of provider " << p.name;
    }
  }
}

}  // namespace
}  // namespace metron::test
