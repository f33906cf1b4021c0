// Fixture for tests on the device cuda. Skipped if there is none.
#pragma once

#include <gtest/gtest.h>
#include <metron/core/tensor.h>

#ifdef METRON_EMULATED
#include <metron/kernels/emulator/emulator.h>

#include <vector>
#endif

namespace metron::test {

class DeviceTest : public testing::Test {
 protected:
  void SetUp() override {
#ifdef METRON_EMULATED
    ASSERT_TRUE(has_device("cuda")) << "the emulated device is hidden";
#else
    if (!has_device("cuda")) GTEST_SKIP() << "this machine has no CUDA device";
#endif
  }
};

#ifdef METRON_EMULATED
// Kernel statistics of run(), sampled from at most `blocks` blocks per launch.
template <typename Run>
std::vector<emulator::KernelCounters> counters_of(const Run& run, unsigned blocks = 1000) {
  emulator::Options counting;
  counting.counted_blocks = blocks;
  emulator::set_options(counting);
  emulator::reset_counters();
  run();
  const std::vector<emulator::KernelCounters> all = emulator::counters();
  emulator::set_options({});
  emulator::reset_counters();
  return all;
}
#endif

}  // namespace metron::test
