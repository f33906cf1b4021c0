// The measurements of a fresh process: its first pass, cold, and training steps after it. `metron report`
// runs itself for each, so that no library is initialized and no kernel has been called.
#pragma once

#include <metron/core/device.h>
#include <metron/layers/models/mnist_cnn.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace metron::report {

struct PassOptions {
  std::filesystem::path input;  // written by save_pass_input
  std::filesystem::path out;    // existing folder for cold.json and, if steps > 0, warm.json
  std::string device = "cpu";
  std::string providers;  // in order; "": the default
  int threads = 0;        // 0: all cores
  models::MnistCnnSizes sizes;
  std::uint64_t seed = 1;
  bool forward_only = false;  // the first pass is a forward pass, not a training step
  int warmup = 0;             // training steps before the recorded ones
  int steps = 0;              // recorded training steps
};

// Saves the batch and the network's parameters.
void save_pass_input(const std::filesystem::path& path, const Tensor& images, const Tensor& labels,
                     std::span<const NamedTensor> state);

void run_pass(const PassOptions& options);

}  // namespace metron::report
