// Checkpoints of the example: what a resumed run must have in common, and what is said about them.
#pragma once

#include <metron/core/data/dataset.h>
#include <metron/layers/checkpoint.h>
#include <metron/layers/models/mnist_training.h>

#include <optional>
#include <string>

#include "options.h"

class Checkpoints {
 public:
  // Without --checkpoint all calls do nothing. ValueError if the folder has checkpoints and --resume is not
  // given.
  Checkpoints(const Options& options, metron::Module& initialized, const metron::ImageDataset& train_set,
              const metron::ImageDataset& test_set);

  // With --resume: continues from the newest intact checkpoint, if there is one. ValueError if that was made
  // with other settings.
  void resume(metron::models::MnistTraining& training) const;

  // A failure is reported, once until a checkpoint can be written again; training goes on.
  void save(metron::models::MnistTraining& training);
  bool failed() const { return failed_; }  // to write the last one

 private:
  std::optional<metron::CheckpointFolder> folder_;
  metron::Settings settings_;
  bool resume_ = false;
  bool failed_ = false;
};
