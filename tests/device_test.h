// The fixture of tests of the device cuda: skipped where there is none; in the emulator, a finding fails the
// test that made it.
#pragma once

#include <gtest/gtest.h>
#include <metron/core/tensor.h>

#ifdef METRON_EMULATED
#include <metron/kernels/emulator/emulator.h>
#endif

namespace metron::test {

class DeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_device("cuda")) GTEST_SKIP() << "this machine has no CUDA device";
  }
#ifdef METRON_EMULATED
  void TearDown() override {
    for (const emulator::Finding& finding : emulator::take_findings()) ADD_FAILURE() << finding.message;
  }
#endif
};

}  // namespace metron::test
