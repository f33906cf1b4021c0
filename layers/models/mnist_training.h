// Training and testing on MNIST with the hyperparameters of PyTorch's example, with metrics per step.
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

// One row per training step, and one per test with accuracy and mean test loss.
struct MetricsRow {
  std::int64_t step = 0;  // 1-based, across all epochs
  std::int64_t epoch = 0;
  double loss = 0;
  std::optional<double> accuracy = {};
};

struct Metrics {
  std::vector<MetricsRow> rows;

  std::string csv() const;  // step,epoch,loss,accuracy
  void save(const std::string& path) const;
};

// Reads the output of Metrics::save. IoError, with the path and line, if malformed.
Metrics read_metrics(const std::string& path);

struct TestResult {
  double loss = 0;  // mean
  std::int64_t correct = 0;
  std::int64_t seen = 0;
  double accuracy() const { return seen == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(seen); }
};

struct EpochOptions {
  std::int64_t max_steps = 0;      // 0: all
  std::int64_t log_interval = 10;  // steps between calls of on_log
};

// Progress of an epoch after a step.
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

  // Adadelta, with the learning rate multiplied by gamma after each epoch. The net must be on the device,
  // return log-probabilities and outlive this object.
  MnistTraining(Module& net, Device device, double lr, double gamma);

  // Stops after the current step if `stop` is set. on_log may call test.
  EpochProgress train_epoch(std::int64_t epoch, const DataLoader& loader, const EpochOptions& options,
                            const OnLog& on_log, const std::atomic<bool>& stop);
  TestResult test(std::int64_t epoch, const DataLoader& loader, std::int64_t max_batches = 0);
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
