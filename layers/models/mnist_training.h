// Training and testing a classifier on MNIST by the recipe of PyTorch's example, with the metrics of each
// step.
#pragma once

#include <metron/core/data/data_loader.h>
#include <metron/layers/lr_scheduler.h>
#include <metron/layers/module.h>
#include <metron/layers/optim.h>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace metron::models {

// A row a training step, and one a test with the accuracy and the test set's mean loss.
struct MetricsRow {
  std::int64_t step = 0;  // counted from 1 through all epochs
  std::int64_t epoch = 0;
  double loss = 0;
  std::optional<double> accuracy = {};
};

struct Metrics {
  std::vector<MetricsRow> rows;

  std::string csv() const;  // step,epoch,loss,accuracy
  void save(const std::string& path) const;
};

// What a Metrics wrote. IoError, naming the file and the line, for anything else.
Metrics read_metrics(const std::string& path);

struct TestResult {
  double loss = 0;  // mean
  std::int64_t correct = 0;
  std::int64_t seen = 0;
  double accuracy() const { return seen == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(seen); }
};

struct EpochOptions {
  std::int64_t most_steps = 0;     // 0: all
  std::int64_t log_interval = 10;  // steps between two calls of on_log
};

// The state of an epoch after a step.
struct EpochProgress {
  std::int64_t epoch = 0;
  std::int64_t step = 0;
  std::int64_t steps = 0;
  std::int64_t seen = 0;  // images
  double loss = 0;        // of the last step
};

class MnistTraining {
 public:
  using OnLog = std::function<void(const EpochProgress&)>;

  // Adadelta, its learning rate multiplied by gamma after each epoch. The net is on the device already,
  // answers with log-probabilities and outlives the training.
  MnistTraining(Module& net, Device device, double lr, double gamma);

  // Ends after the running step when `stop` is set. on_log may test.
  EpochProgress train_epoch(std::int64_t epoch, const DataLoader& loader, const EpochOptions& options,
                            const OnLog& on_log, const std::atomic<bool>& stop);
  TestResult test(std::int64_t epoch, const DataLoader& loader, std::int64_t most_batches = 0);
  const Metrics& metrics() const { return metrics_; }

 private:
  Module& net_;
  Device device_;
  Adadelta optimizer_;
  StepLR schedule_;
  Metrics metrics_;
  std::int64_t step_ = 0;
};

}  // namespace metron::models
