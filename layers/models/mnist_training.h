// Training and testing on MNIST with the hyperparameters of PyTorch's example, with metrics per step.
#pragma once

#include <metron/core/data/data_loader.h>
#include <metron/layers/checkpoint.h>
#include <metron/layers/lr_scheduler.h>
#include <metron/layers/module.h>
#include <metron/layers/optim.h>

#include <algorithm>
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
  // Steps, counted across epochs, between calls of on_checkpoint; 0: none.
  std::int64_t checkpoint_interval = 0;
  std::function<void()> on_checkpoint = nullptr;  // may call checkpoint()
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

  // Stops after the current step if `stop` is set. on_log may call test. After restore, continues the epoch
  // of the checkpoint behind its last step.
  EpochProgress train_epoch(std::int64_t epoch, const DataLoader& loader, const EpochOptions& options,
                            const OnLog& on_log, const std::atomic<bool>& stop);
  TestResult test(std::int64_t epoch, const DataLoader& loader, std::int64_t max_batches = 0);
  const Metrics& metrics() const { return metrics_; }

  // The state after the last step, without settings. To be called from on_checkpoint, or outside of
  // train_epoch and test.
  Checkpoint checkpoint();
  // Continues from a checkpoint, as does the process-wide random generator. Throws like Module::load_state,
  // Optimizer::load_state and LRScheduler::load_state if it does not fit; training can't continue then.
  void restore(const Checkpoint& checkpoint);
  const DataPosition& position() const { return position_; }  // of the next step
  // The epoch to train first, from 1 on: after restore, the one that the checkpoint interrupted, or, if that
  // was complete and tested, the one after it.
  std::int64_t first_epoch() const { return std::max<std::int64_t>(1, position_.epoch); }

 private:
  Module& net_;
  Device device_;
  Adadelta optimizer_;
  StepLR schedule_;
  Metrics metrics_;
  std::int64_t step_ = 0;
  DataPosition position_;
  bool restored_ = false;   // and no epoch since
  bool scheduled_ = true;   // whether the learning rate is already that of the next epoch
  bool completed_ = false;  // whether an epoch was completed, and no test since
};

}  // namespace metron::models
