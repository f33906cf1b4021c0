// The trained network and its curves, from training in this run or from a finished run.
#pragma once

#include <metron/core/data/dataset.h>
#include <metron/core/named_tensor.h>
#include <metron/layers/models/mnist_cnn.h>
#include <metron/layers/models/mnist_training.h>
#include <metron/tools/report/measure/progress.h>
#include <metron/tools/report/options.h>
#include <metron/tools/report/run.h>

#include <atomic>
#include <optional>
#include <vector>

namespace metron::report {

struct Experiment {
  Device device;
  Training training;
  models::Metrics metrics;         // contents of metrics.csv; no rows if unknown
  std::vector<NamedTensor> state;  // of the network, on the CPU
  std::int64_t parameters = 0;
  Batch images;  // test images, as many as the largest batch to profile
};

class Experimenter {
 public:
  // Validates options, device, data and weights before anything runs.
  explicit Experimenter(const Options& options);

  // Trains, or uses the finished run. Returns early, with the results so far, if `stop` is set.
  Experiment run(Progress& progress, const std::atomic<bool>& stop);
  Device device() const { return device_; }

 private:
  void train(Experiment& experiment, Progress& progress, const std::atomic<bool>& stop);

  Options options_;
  Device device_;
  std::optional<ImageDataset> train_set_, test_set_;
  models::MnistCnn net_;
  Training finished_;  // of --from
  models::Metrics metrics_;
};

// Fills in the losses, their moving mean and the tests from the metrics of a training run.
void set_curves(Training& training, const models::Metrics& metrics);

}  // namespace metron::report
