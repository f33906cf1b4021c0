#include "checkpoints.h"

#include <metron/core/numbers.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

using namespace metron;

namespace {

// Threads, devices and intervals don't count: they change no number, or its last digits.
Settings settings_of(const Options& options, Module& net, const ImageDataset& train_set,
                     const ImageDataset& test_set) {
  const auto described = [](const ImageDataset& set) {
    return std::to_string(set.size()) + " images with the CRC-32 " + set.checksum();
  };
  return {{"--batch-size", std::to_string(options.batch_size)},
          {"--test-batch-size", std::to_string(options.test_batch_size)},
          {"--lr", exact_text(options.lr)},
          {"--gamma", exact_text(options.gamma)},
          {"--seed", std::to_string(options.seed)},
          {"--dropout", options.dropout ? "on" : "off"},
          {"--shuffle", options.shuffle ? "on" : "off"},
          {"--init", options.init.empty() ? "none" : "a file with the CRC-32 " + checksum(net.state())},
          {"--dry-run", options.dry_run ? "on" : "off"},
          {"the training set", described(train_set)},
          {"the test set", described(test_set)}};
}

}  // namespace

Checkpoints::Checkpoints(const Options& options, Module& initialized, const ImageDataset& train_set,
                         const ImageDataset& test_set)
    : resume_(options.resume) {
  if (options.checkpoint.empty()) return;
  folder_.emplace(options.checkpoint, options.checkpoint_keep);
  check<ValueError>(resume_ || folder_->files().empty(), "mnist_cnn", options.checkpoint,
                    " has checkpoints: --resume continues from them, another folder begins anew");
  settings_ = settings_of(options, initialized, train_set, test_set);
}

void Checkpoints::resume(models::MnistTraining& training) const {
  if (!folder_ || !resume_) return;
  const auto loaded = folder_->load_newest();
  if (!loaded) {
    std::printf("no checkpoint yet, starting from the beginning\n");
    return;
  }
  for (const std::string& reason : loaded->skipped)
    std::cerr << "mnist_cnn: a checkpoint is skipped: " << reason << '\n';
  check_settings("mnist_cnn", loaded->file, loaded->checkpoint, settings_);
  training.restore(loaded->checkpoint);
  std::printf("resumed after step %ld from %s\n", loaded->checkpoint.step, loaded->file.c_str());
}

void Checkpoints::save(models::MnistTraining& training) {
  if (!folder_) return;
  Checkpoint checkpoint = training.checkpoint();
  checkpoint.settings = settings_;
  try {
    folder_->save(checkpoint);
    if (failed_) std::printf("checkpoints can be written again, from step %ld on\n", checkpoint.step);
    failed_ = false;
  } catch (const IoError& error) {
    if (!failed_ && ::isatty(STDOUT_FILENO) == 1) std::cout << std::endl;  // below the progress bar
    if (!failed_)
      std::cerr << "mnist_cnn: no checkpoint of step " << checkpoint.step << ": " << error.what()
                << "; training goes on, older checkpoints are kept\n";
    failed_ = true;
  }
}
