// Streams and events. Work is queued until the host waits for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>

#include "../include/emulated/runtime_types.h"
#include "timeline.h"

// An event: a point in the work of one stream.
struct CUevent_st {
  bool timed = true;
  std::uint64_t recorded = 0;  // the number of its last record; 0: never recorded
  cudaStream_t stream = nullptr;
  std::uint64_t completed = 0;  // the number of the last record that has run
  std::chrono::steady_clock::time_point time;
  double model_ns = 0;  // instead of `time`, with a modeled device
};

struct CUstream_st {
  bool waits_for_default = true;
  struct Operation {
    std::uint64_t number;
    std::function<void()> run;
    cudaStream_t event_stream = nullptr;                // for a wait: run that stream up to
    std::uint64_t event_number = 0;                     // and including this operation first
    std::function<metron::emulator::Cost()> cost = {};  // called after it has run; empty: takes no time
    double submitted_ns = 0;                            // by the modeled host's clock
    cudaEvent_t event = nullptr;                        // that it records
  };
  std::deque<Operation> queue;
  double model_ns = 0;  // when all operations that have run are complete
};

namespace metron::emulator {

// Not thread-safe: protected by the device's lock.
class Streams {
 public:
  explicit Streams(Timeline& timeline) : timeline_(timeline), streams_{&default_} {}

  cudaStream_t create(bool waits_for_default);
  void destroy(cudaStream_t);
  cudaStream_t find(cudaStream_t stream);  // the default stream for null, null for an unknown stream

  cudaEvent_t create_event(bool timed);
  void destroy(cudaEvent_t event);
  std::uint64_t created_events() const { return created_events_; }
  bool exists(cudaEvent_t event) const { return events_.contains(event); }

  void enqueue(cudaStream_t, std::function<void()>, std::function<Cost()> cost = {});
  void record(cudaEvent_t, cudaStream_t);
  void wait(cudaStream_t, cudaEvent_t);

  bool is_done(cudaEvent_t) const;
  void run_to(cudaEvent_t);
  bool idle(cudaStream_t stream) const { return stream->queue.empty(); }
  void run(cudaStream_t, std::uint64_t up_to = ~std::uint64_t{0});
  void run_all();
  double model_ns() const;  // of all streams
  void restart_model();     // their times begin anew
  void discard_all();       // after an unrecoverable device error

 private:
  void push(cudaStream_t, CUstream_st::Operation);
  void run_next(cudaStream_t);
  void run_in_order(std::uint64_t up_to);
  double blocking_ns() const;  // of all streams that wait for the default stream
  void run_streams_before(cudaStream_t, std::uint64_t number);

  Timeline& timeline_;
  CUstream_st default_;
  std::set<cudaStream_t> streams_;  // default_ and those in own_
  std::deque<std::unique_ptr<CUstream_st>> owned_;
  std::set<cudaEvent_t> events_;
  std::deque<std::unique_ptr<CUevent_st>> owned_events_;
  std::uint64_t last_number_ = 0;
  std::size_t queued_ = 0;
  std::uint64_t created_events_ = 0;
};

}  // namespace metron::emulator
