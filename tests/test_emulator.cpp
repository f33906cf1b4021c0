// The CUDA emulator: that it computes what a device computes.
#include <gtest/gtest.h>
#include <metron/kernels/emulator/emulator.h>

#include <numeric>
#include <vector>

#include "emulator/semantics.h"

using namespace metron::emulator;

namespace {

// Every test ends without a finding that it did not take.
class EmulatorSemantics : public testing::Test {
 protected:
  void TearDown() override {
    for (const Finding& finding : take_findings()) ADD_FAILURE() << finding.message;
  }
};

TEST_F(EmulatorSemantics, BlockReductionAddsUp) {
  std::vector<float> in(100000);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i % 7);
  const DeviceArray<float> input(in), out(std::vector<float>{0});
  ASSERT_EQ(block_sum(out.data(), input.data(), static_cast<int>(in.size())), cudaSuccess);
  EXPECT_EQ(out.values()[0], std::accumulate(in.begin(), in.end(), 0.f));
}

TEST_F(EmulatorSemantics, WarpShuffles) {
  std::vector<float> in(96);
  std::iota(in.begin(), in.end(), 0.f);
  const DeviceArray<float> input(in), out(3);
  ASSERT_EQ(warp_sum(out.data(), input.data(), 3), cudaSuccess);
  EXPECT_EQ(out.values(), (std::vector<float>{496, 1520, 2544}));
}

TEST_F(EmulatorSemantics, DynamicSharedMemory) {
  std::vector<int> in(1000), reversed(1000);
  std::iota(in.begin(), in.end(), 0);
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  const DeviceArray<int> input(in), out(1000);
  ASSERT_EQ(reverse(out.data(), input.data(), 1000), cudaSuccess);
  EXPECT_EQ(out.values(), reversed);
}

}  // namespace
