// Linked into every test that runs on the emulator. An emulator finding fails the test that caused it unless
// the test consumed it.
#include <gtest/gtest.h>
#include <metron/kernels/emulator/emulator.h>

namespace metron::test {
namespace {

class Findings : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo&) override {
    for (const emulator::Finding& finding : emulator::take_findings()) ADD_FAILURE() << finding.message;
  }
};

const bool registered = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new Findings);  // takes ownership
  return true;
}();

}  // namespace
}  // namespace metron::test
