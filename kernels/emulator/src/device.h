// The emulated device: its memory, streams, workers and errors, behind one lock.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "../emulator.h"
#include "launch.h"
#include "memory.h"
#include "streams.h"
#include "workers.h"

namespace metron::emulator {

class Device {
 public:
  static Device& get();

  std::recursive_mutex mutex;
  Memory memory;
  Streams streams;
  std::map<std::uintptr_t, std::size_t> pinned;  // host memory that copies need not stage
  Options options;
  std::uint64_t synchronizations = 0;

  void run(Launch&);

  // The error of work that ran while nobody waited for it: told once, by the next call that waits.
  void fail(cudaError_t, const std::string& explanation);
  cudaError_t take_error();
  std::string explanation(cudaError_t) const;

  // What the host is told when it waits: runs `work`, then the stored error.
  template <class Work>
  cudaError_t synchronize(const Work& work) {
    const std::lock_guard lock(mutex);
    ++synchronizations;
    work();
    return take_error();
  }
  void restart_workers() { workers_.reset(); }

 private:
  std::unique_ptr<Workers> workers_;
  cudaError_t error_ = cudaSuccess;
  std::map<cudaError_t, std::string> explanations_;
};

cudaError_t remember(cudaError_t);  // for cudaGetLastError of this host thread

}  // namespace metron::emulator
