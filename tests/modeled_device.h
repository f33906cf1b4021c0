// A modeled device whose times are known, for tests of what depends on device times.
#pragma once

#include <gtest/gtest.h>
#include <metron/core/storage.h>
#include <metron/kernels/emulator/emulator.h>
#include <metron/kernels/emulator/model.h>
#include <metron/metron.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "temporary_folder.h"

namespace metron::test {

inline constexpr double bytes_per_us = 1e3, copied_bytes_per_us = 100, launch_us = 1, event_us = 0.5;
inline constexpr double within = 0.02;
inline constexpr std::size_t measured_events = 110;  // at most, when a profiler starts

// The model is chosen before the device is first used.
class ModeledDevice : public testing::Environment {
 public:
  void SetUp() override {
    const std::string path =
        folder_.write("model.json", R"({"name": "test device", "architecture": "sm_80", "sms": 8,
      "boost_clock_mhz": 1000, "memory_gb": 4, "bandwidth_gb_per_s": 1, "l2_mb": 1, "tflops": {"fp32": 1},
      "launch_latency_us": 1, "event_resolution_us": 0.001, "event_cost_us": 0.5, "copy_engines": 2,
      "pcie_gb_per_s": 0.1, "sources": [{"title": "made up", "url": "https://example.org"}]})");
    ::setenv("METRON_EMULATOR_DEVICE", path.c_str(), 1);
    ASSERT_TRUE(has_device("cuda"));
  }

 private:
  TemporaryFolder folder_;
};
[[maybe_unused]] inline const testing::Environment* const modeled =
    testing::AddGlobalTestEnvironment(new ModeledDevice);

// The time that the model assigns to the kernels and copies of run(), in us. Does not advance the host.
template <typename Run>
double true_us(const Run& run) {
  const std::size_t before = emulator::modeled_work().size();
  run();
  const std::vector<emulator::ModeledWork> work = emulator::modeled_work();
  return std::accumulate(work.begin() + static_cast<std::ptrdiff_t>(before), work.end(), 0.0,
                         [](double sum, const emulator::ModeledWork& w) {
                           return sum + (w.name == "event" ? 0 : w.end_ns - w.start_ns) * 1e-3;
                         });
}

template <typename Run>
std::size_t count_events(const Run& run) {
  const std::size_t before = emulator::modeled_work().size();
  run();
  const std::vector<emulator::ModeledWork> work = emulator::modeled_work();
  return static_cast<std::size_t>(std::count_if(work.begin() + static_cast<std::ptrdiff_t>(before),
                                                work.end(), [](const auto& w) { return w.name == "event"; }));
}

inline std::vector<std::string> ranked(const Ranking& ranking) {
  std::vector<std::string> names;
  for (const RankingRow& row : ranking.rows)
    if (!row.is_kernel && row.device_us >= 0) names.push_back(row.name);
  return names;
}

#define EXPECT_WITHIN(actual, expected) EXPECT_NEAR(actual, expected, within*(expected))

class OnModeledDevice : public testing::Test {
 protected:
  OnModeledDevice() {
    emulator::use_manual_host(200);  // ns per call
    emulator::keep_modeled_work(true);
    emulator::set_options({});
  }
  ~OnModeledDevice() override { emulator::keep_modeled_work(false); }

  // The second profile has only warm calls.
  template <typename Step>
  Profile profile_of(const Step& step, int steps = 3) {
    for (int round = 0;; ++round) {
      backend("cuda").synchronize(0);
      Profiler profiler;
      profiler.start();
      for (int i = 0; i < (round == 0 ? 1 : steps); ++i) {
        step();
        profiler.step();
      }
      backend("cuda").synchronize(0);
      profiler.stop();
      if (round == 1) return profiler.profile();
    }
  }

  Tensor large = Tensor::full({1 << 16}, 1, {DType::float32, "cuda"});
  Tensor medium = Tensor::full({2048}, 1, {DType::float32, "cuda"});
  Tensor small = Tensor::full({64}, 1, {DType::float32, "cuda"});
};

}  // namespace metron::test
