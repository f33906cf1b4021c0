// The experiment's first part: the trained net and its curves, from a training here or a finished run.
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
  models::Metrics metrics;         // what metrics.csv holds; no rows where they are not known
  std::vector<NamedTensor> state;  // of the net, on the CPU
  std::int64_t parameters = 0;
  Batch images;  // the largest batch to be profiled, of the test images
};

// What can be known to be wrong before anything runs is said here: options, device, data, weights.
class Experimenter {
 public:
  explicit Experimenter(const Options& options);

  // Trains, or reads the finished run. Ends early, with what is done, when `stop` is set.
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

// The steps' losses with their moving mean, and the tests, of what a training wrote.
void set_curves(Training& training, const models::Metrics& metrics);

}  // namespace metron::report
