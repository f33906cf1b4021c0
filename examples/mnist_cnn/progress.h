// Progress output of an epoch: a bar on a terminal, plain lines otherwise.
#pragma once

#include <chrono>
#include <cstdint>

class Progress {
 public:
  // `done` samples were seen by an earlier run.
  Progress(std::int64_t epoch, std::int64_t epochs, std::int64_t samples, std::int64_t done = 0);

  // Shows `step` of `steps` steps and `samples` samples; `loss` is that of the last step.
  void show(std::int64_t step, std::int64_t steps, std::int64_t samples, double loss);
  void finish();
  double seconds() const;

 private:
  std::int64_t epoch_, epochs_, samples_, done_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_;
};
