// The emulated device: its memory, streams, workers and errors, behind one lock.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "../emulator.h"
#include "launch.h"
#include "memory.h"
#include "statistics.h"
#include "streams.h"
#include "timeline.h"
#include "workers.h"

namespace metron::emulator {

class Device {
 public:
  static Device& get();

  std::recursive_mutex mutex;
  Memory memory;
  Timeline timeline;
  Streams streams{timeline};
  std::map<std::uintptr_t, std::size_t> pinned;   // host memory that copies need not stage
  std::map<std::uintptr_t, std::size_t> managed;  // device memory that the host uses, too
  Options options;
  bool merges_findings = false;  // of the same check, kernel and line
  std::uint64_t synchronizations = 0;
  CallCounts calls;
  Statistics statistics;

  void run(Launch&);
  void add(Finding);  // and sets the error, if the finding is one
  std::vector<Finding> take_findings();
  // Fails a call immediately, with the finding as its error text.
  void refuse(cudaError_t, Check, const std::string& who, const std::string& rule);
  void fail_call(const char* call, const std::string& rule);  // for a call that was queued
  bool has_fault() const { return has_fault_; }  // not yet reported to the host: work is skipped until then
  std::uint64_t take_serials(std::uint64_t count);
  void fail_allocations(std::int64_t before, std::int64_t count) { failing_ = {before, count, 0}; }
  std::uint64_t failed_allocations() const { return failing_.failed; }
  bool fails_allocation();  // of the next block; counts it

  // The error of asynchronous work, reported once by the next synchronizing call.
  void fail(cudaError_t, const std::string& explanation);
  cudaError_t take_error();
  std::string explanation(cudaError_t) const;

  // Synchronizing calls: runs `work`, then returns the stored error.
  template <class Work>
  cudaError_t synchronize(const Work& work) {
    const std::lock_guard lock(mutex);
    ++synchronizations;
    work();
    return take_error();
  }
  bool has_passed(double model_ns);  // by the modeled host's clock, which a query advances
  // Runs the work and lets the modeled host wait for it.
  void wait_for(cudaStream_t stream);
  void wait_for(cudaEvent_t event);
  void wait_for_all();
  void restart_workers() { workers_.reset(); }

 private:
  void keep(Finding);

  std::unique_ptr<Workers> workers_;
  cudaError_t error_ = cudaSuccess;
  std::map<cudaError_t, std::string> explanations_;
  std::vector<Finding> findings_;
  std::vector<std::uint64_t> found_in_;  // of each finding: the last launch it was found in
  std::uint64_t launch_number_ = 0;
  bool has_fault_ = false;
  std::uint64_t next_serial_ = 1;
  struct {
    std::int64_t before = 0, count = 0;
    std::uint64_t failed = 0;
  } failing_;
};

cudaError_t remember(cudaError_t);  // for cudaGetLastError of this host thread

}  // namespace metron::emulator
