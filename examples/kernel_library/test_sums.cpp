#include <gtest/gtest.h>

#include "sums.h"

namespace {

std::vector<float> ramp(int n) {
  std::vector<float> x;
  for (int i = 0; i < n; ++i) x.push_back(static_cast<float>(i % 100));
  return x;
}

TEST(Sums, AddsElements) {
  const std::vector<float> x = ramp(1000), y = added(x, x);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(y[i], 2 * x[i]);
}

TEST(Sums, AddsBlocks) {
  for (const int n : {1, 255, 256, 257, 1000}) {
    const std::vector<float> x = ramp(n), sums = block_sums(x);
    ASSERT_EQ(sums.size(), (x.size() + 255) / 256);
    for (std::size_t block = 0; block < sums.size(); ++block) {
      float expected = 0;
      for (std::size_t i = 256 * block; i < x.size() && i < 256 * (block + 1); ++i) expected += x[i];
      EXPECT_EQ(sums[block], expected);
    }
  }
}

}  // namespace
