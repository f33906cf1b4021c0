// The fixture of tests of the device cuda: skipped where there is none.
#pragma once

#include <gtest/gtest.h>
#include <metron/core/tensor.h>

#ifdef METRON_EMULATED  // for tests that look at its counters too
#include <metron/kernels/emulator/emulator.h>
#endif

namespace metron::test {

class DeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_device("cuda")) GTEST_SKIP() << "this machine has no CUDA device";
  }
};

}  // namespace metron::test
