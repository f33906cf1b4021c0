// METRON_CLOCK=cupti, with a fake of CUPTI.
#include <gtest/gtest.h>
#include <metron/metron.h>

#include <cmath>
#include <string>
#include <vector>

#include "run_command.h"
#include "temporary_folder.h"

namespace metron::test {
namespace {

class CuptiClock : public testing::Test {
 protected:
  Output profile(const std::string& environment) const {
    return run_command(environment + " '" METRON_COMMAND "' profile --out '" + (folder_ / "out").string() +
                       "' -- '" MNIST_CNN
                       "' --device cuda --epochs 1 --train-limit 4 --batch-size 2 --test-limit 2");
  }
  const std::string modeled_ = "METRON_EMULATOR_DEVICE=A100 ";
  const TemporaryFolder folder_;
};

// The fake's times follow from the ids of the regions, which follow the order of the records.
TEST_F(CuptiClock, AttributesActivitiesToTheirRecords) {
  const Output output = profile(modeled_ + "METRON_CLOCK=cupti LD_LIBRARY_PATH='" FAKE_CUPTI_FOLDER "'");
  ASSERT_EQ(output.code, 0) << output.text;
  const Profile recorded = load_profile(folder_ / "out" / "profile.json");
  std::vector<double> times, starts;
  for (const Record& record : recorded.records) {
    if (record.kind != RecordKind::kernel && record.kind != RecordKind::copy) continue;
    if (record.device != Device::Type::cuda) continue;
    times.push_back(record.device_ns);
    starts.push_back(record.device_start);
  }
  ASSERT_GT(times.size(), 50U);
  int measurements = 0;  // of the clock, in between
  for (std::size_t i = 1; i < times.size(); ++i) {
    const double ids = (starts[i] - starts[i - 1]) / 10'000;
    EXPECT_EQ(ids, std::round(ids)) << i;
    measurements += ids == 1 ? 0 : 1;
    const double before = (times[i - 1] - 1000) / 100, now = (times[i] - 1000) / 100;
    EXPECT_NEAR(now, std::fmod(before + ids, 7), 1e-9) << i;
  }
  EXPECT_LE(measurements, 1);
  EXPECT_EQ(recorded.cost.device_ns, 0);
  EXPECT_NE(output.text.find("model ms"), std::string::npos) << output.text;
}

TEST_F(CuptiClock, SaysWhatIsMissing) {
  for (const char* name : {"libcupti.so", "libcupti.so.13"}) folder_.write(name, "no library");
  const Output missing =
      profile(modeled_ + "METRON_CLOCK=cupti LD_LIBRARY_PATH='" + folder_.path().string() + "'");
  EXPECT_NE(missing.code, 0);
  EXPECT_TRUE(contains(missing.text, {"[profiler] METRON_CLOCK=cupti requires CUPTI", "libcupti.so.13",
                                      "<toolkit>/extras/CUPTI/lib64 or <toolkit>/lib"}));
  const Output unknown = profile(modeled_ + "METRON_CLOCK=sundial");
  EXPECT_NE(unknown.code, 0);
  EXPECT_TRUE(contains(unknown.text, {"[profiler] METRON_CLOCK must be events or cupti, got sundial"}));
  const Output emulated = profile("METRON_CLOCK=cupti");
  EXPECT_NE(emulated.code, 0);
  EXPECT_TRUE(contains(emulated.text, {"requires a GPU or a model"}));
}

}  // namespace
}  // namespace metron::test
