// Checkpoints: the whole state of a training between two steps, so that a resumed run ends with bitwise the
// weights of an undisturbed one, on the same device with the same providers.
//
//   Checkpoint now{.step = step, .weights = net.state(), .optimizers = {optimizer.state()}, ...};
//   CheckpointFolder folder("checkpoints");
//   folder.save(now);
#pragma once

#include <metron/core/io/safetensors.h>
#include <metron/core/random.h>
#include <metron/core/settings.h>
#include <metron/layers/lr_scheduler.h>
#include <metron/layers/optim.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace metron {

// Of the next batch: DataLoader::epoch(epoch, batch).
struct DataPosition {
  std::int64_t epoch = 0;
  std::int64_t batch = 0;
  std::int64_t samples = 0;  // of this epoch so far
};

struct Checkpoint {
  std::int64_t step = 0;             // training steps so far
  std::vector<NamedTensor> weights;  // Module::state()
  std::vector<OptimizerState> optimizers;
  std::vector<SchedulerState> schedulers;
  PhiloxKey random = random_state();
  DataPosition position;
  std::vector<NamedTensor> records;  // what the program adds, such as the losses so far
  Settings settings;                 // what a resumed run must have in common: hyperparameters, data
};

// A safetensors file: weights by their own names, "optimizer0/3.exp_avg" and "record/<name>", the remainder
// as metadata, among it a version and the CRC-32 of all content. Replaces an existing file atomically.
// ValueError if a weight is named like another part; IoError, with the path, on failure.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

// To the CPU. IoError, with the path and reason, if the file can't be read or is damaged: every cut file and
// every changed bit is found. ValueError for a version that this release does not know.
Checkpoint load_checkpoint(const std::filesystem::path& path);

// The CRC-32 of names, dtypes, shapes and elements, in hexadecimal: tells sets of weights apart.
std::string checksum(const std::vector<NamedTensor>& tensors);

// ValueError that names every setting of the checkpoint `file` that is not the same now.
void check_settings(const char* op, const std::filesystem::path& file, const Checkpoint& checkpoint,
                    const Settings& now);

// The last checkpoints of one training, named step-000000120.safetensors. For use by one process, until the
// object is destroyed or the process ends in any way.
class CheckpointFolder {
 public:
  // Creates the folder if it is missing. ValueError unless keep >= 1; IoError if the folder can't be written
  // to or another process uses it.
  explicit CheckpointFolder(const std::filesystem::path& folder, std::int64_t keep = 3);
  ~CheckpointFolder();
  CheckpointFolder(const CheckpointFolder&) = delete;
  CheckpointFolder& operator=(const CheckpointFolder&) = delete;

  // Saves, then removes all but the newest `keep` checkpoints up to this step. IoError on failure; nothing
  // older is lost then, and a later call may succeed.
  std::filesystem::path save(const Checkpoint& checkpoint);

  struct Loaded {
    Checkpoint checkpoint;
    std::filesystem::path file;
    std::vector<std::string> skipped;  // newer files that can't be read, each with its reason
  };
  // The newest checkpoint that is intact, or none if there are no checkpoints. IoError, with all reasons, if
  // none of them is intact.
  std::optional<Loaded> load_newest() const;

  std::vector<std::filesystem::path> files() const;  // from old to new

 private:
  class Lock;
  void remove_leftovers() const;

  std::filesystem::path folder_;
  std::int64_t keep_;
  std::unique_ptr<Lock> lock_;
};

}  // namespace metron
