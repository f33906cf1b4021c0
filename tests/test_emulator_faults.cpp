// Planted faults: each is detected with its kind, kernel and line, and is not detected with its check
// disabled.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>

#include "emulator/faults.h"

using namespace metron::emulator;

namespace {

// The lines marked "fault: <name>".
std::set<int> lines_of(const Fault& fault) {
  std::ifstream source(METRON_SOURCE_DIR "/" + fault.file);
  std::set<int> lines;
  std::string text;
  for (int line = 1; std::getline(source, text); ++line)
    if (text.ends_with("// fault: " + fault.name)) lines.insert(line);
  return lines;
}

std::vector<Finding> plant(const Fault& fault, const Options& options) {
  set_options(options);
  fault.plant();
  cudaDeviceSynchronize();
  cudaGetLastError();
  std::vector<Finding> findings = take_findings();
  set_options({});
  return findings;
}

std::vector<Fault> all_faults() {
  std::vector<Fault> all;
  for (const auto& some : {address_faults(), null_pointer_faults(), race_faults(), value_faults(),
                           waiting_faults(), host_faults()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

class EmulatorFaults : public testing::TestWithParam<Fault> {};

TEST_P(EmulatorFaults, AreDetected) {
  const Fault& fault = GetParam();
  const std::vector<Finding> findings = plant(fault, {});
  const auto is_it = [&](const Finding& finding) { return finding.check == fault.check; };
  EXPECT_TRUE(std::any_of(findings.begin(), findings.end(), is_it));
  for (const Finding& finding : findings) {
    // A premature read also reads uninitialized memory.
    const bool follows = fault.check == Check::race && finding.check == Check::uninitialized;
    EXPECT_TRUE(follows || is_it(finding)) << finding.message;
    EXPECT_EQ(finding.kernel, fault.kernel) << finding.message;
    if (!fault.file.empty()) {
      EXPECT_EQ(finding.file, fault.file) << finding.message;
      EXPECT_TRUE(lines_of(fault).contains(finding.line)) << finding.message;
    }
  }
}

TEST_P(EmulatorFaults, AreNotDetectedWithTheCheckOff) {
  const Fault& fault = GetParam();
  if (fault.name == "null pointer" || fault.check == Check::trap) GTEST_SKIP() << "nothing survives it";
  for (const Finding& finding : plant(fault, Options().with(fault.check, false)))
    EXPECT_NE(finding.check, fault.check) << finding.message;
}

INSTANTIATE_TEST_SUITE_P(, EmulatorFaults, testing::ValuesIn(all_faults()), [](const auto& fault) {
  std::string name = fault.param.name;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

}  // namespace
