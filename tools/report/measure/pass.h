// What a fresh process measures: its first pass, cold, and training steps after it. `metron report` runs
// itself for it, so that "cold" is cold: no library is initialized and no kernel was ever called.
#pragma once

#include <metron/core/device.h>
#include <metron/layers/models/mnist_cnn.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace metron::report {

struct PassOptions {
  std::filesystem::path input;  // what save_pass_input wrote
  std::filesystem::path out;    // a folder that exists: for cold.json and, where there are steps, warm.json
  std::string device = "cpu";
  std::string providers;  // their order; "" is the default
  int threads = 0;        // 0: all cores
  models::MnistCnnSizes sizes;
  std::uint64_t seed = 1;
  bool forward_only = false;  // the first pass is a forward pass instead of a training step
  int warmup = 0;             // training steps that are not recorded
  int steps = 0;              // and those recorded after them
};

// The batch, and the parameters of a net of these sizes.
void save_pass_input(const std::filesystem::path& path, const Tensor& images, const Tensor& labels,
                     std::span<const NamedTensor> state);

void run_pass(const PassOptions& options);

}  // namespace metron::report
