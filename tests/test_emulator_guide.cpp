// The kernels in docs/writing-kernels.md do what the guide says, and the emulator prints what it shows.
#include <gtest/gtest.h>
#include <metron/kernels/emulator/emulator.h>

#include <string>
#include <vector>

#include "emulator/guide.h"
#include "temporary_folder.h"

using namespace metron::emulator;

namespace {

constexpr int rows = 64, columns = 96;

class EmulatorGuide : public testing::Test {
 protected:
  EmulatorGuide() {
    for (std::size_t i = 0; i < x_.size(); ++i) x_[i] = static_cast<float>(i);
  }
  void TearDown() override {
    set_options({});
    reset_counters();
  }

  // Every printed line appears in the guide.
  void expect_shown(const std::string& text) const {
    std::size_t begin = 0;
    for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
      EXPECT_NE(guide_.find(text.substr(begin, end - begin)), std::string::npos)
          << "docs/writing-kernels.md does not have\n"
          << text.substr(begin, end - begin);
  }
  void expect_findings_shown() const {
    EXPECT_NE(cudaDeviceSynchronize(), cudaSuccess);
    cudaGetLastError();
    const std::vector<Finding> findings = take_findings();
    EXPECT_FALSE(findings.empty());
    for (const Finding& finding : findings) expect_shown(finding.message + "\n");
  }
  template <class Transpose>
  void expect_counters_shown(const Transpose& transpose) {
    Options all;
    all.counted_blocks = 1000;
    set_options(all);
    const DeviceArray<float> y(x_.size()), x(x_);
    ASSERT_EQ(transpose(y.data(), x.data()), cudaSuccess);
    const std::vector<float> got = y.values();
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], x_[i % rows * columns + i / rows]);
    expect_shown(counters_table());
  }

  const std::string guide_ = metron::read_file(METRON_SOURCE_DIR "/docs/writing-kernels.md");
  std::vector<float> x_ = std::vector<float>(std::size_t{rows} * columns);
};

TEST_F(EmulatorGuide, Unguarded) {
  Options options;
  options.workers = 1;  // a deterministic block order: a deterministic first finding
  set_options(options);
  const DeviceArray<float> y(7 * 5), x(std::vector<float>(7 * 5, 1.f));
  ASSERT_EQ(transpose_unguarded(y.data(), x.data(), 7, 5), cudaSuccess);
  expect_findings_shown();
}

TEST_F(EmulatorGuide, Racing) {
  Options options;
  options.workers = 1;
  set_options(options);
  const DeviceArray<float> y(x_.size()), x(x_);
  ASSERT_EQ(transpose_racing(y.data(), x.data(), rows, columns), cudaSuccess);
  expect_findings_shown();
}

TEST_F(EmulatorGuide, Naive) {
  expect_counters_shown([](float* y, const float* x) { return transpose_naive(y, x, rows, columns); });
}
TEST_F(EmulatorGuide, Tile) {
  expect_counters_shown([](float* y, const float* x) { return transpose_tiled(y, x, rows, columns, false); });
}
TEST_F(EmulatorGuide, PaddedTile) {
  expect_counters_shown([](float* y, const float* x) { return transpose_tiled(y, x, rows, columns, true); });
}

}  // namespace
