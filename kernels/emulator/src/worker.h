// Executes the blocks of launches one at a time, each CUDA thread as a fiber of this OS thread.
#pragma once

#include <array>
#include <atomic>
#include <boost/context/detail/fcontext.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "../include/emulated/synchronization.h"
#include "access.h"
#include "launch.h"
#include "mapping.h"
#include "stacks.h"

namespace metron::emulator {

enum class Status : std::uint8_t { fresh, ready, at_barrier, at_warp_operation, exited };

inline constexpr unsigned max_threads = 1024, warp_lanes = 32;

// One CUDA thread of the block.
struct Thread {
  boost::context::detail::fcontext_t context;
  uint3 index;
  std::uint32_t stack;
  Status status;
  bool predicate;  // for a voting barrier
  WarpOp op;
  std::uint32_t mask, operand;
  int width;
  std::uint64_t value, result;
  Site site;  // where it waits
};

// Lanes of a warp that wait in the same operation with the same mask at the same source location: exchanging
// data between two different shuffles is undefined.
struct Gathering {
  WarpOp op;
  std::uint32_t mask;
  Site site;
  std::uint32_t arrived;
};
struct Warp {
  std::uint32_t lanes = 0;   // existing lanes
  std::uint32_t exited = 0;  // the subset that has exited
  Record floor = 0;          // time of the last __syncwarp of all lanes
  std::vector<Gathering> gatherings;
  std::vector<std::pair<std::uint32_t, Record>> partial_syncs;  // masks and times, since the last barrier
};

class Worker {
 public:
  Worker();

  void run(Launch&);  // takes blocks until none remain

  void request_stop();  // called by another OS thread: the launch has timed out

  // Called by device threads.
  int barrier(Vote, bool predicate, Site);
  void grid_barrier(Site);
  std::uint64_t warp_operation(WarpOp, std::uint32_t mask, std::uint64_t value, std::uint32_t operand,
                               int width, Site);
  std::uint32_t lane_bit() const { return 1u << (current_ % warp_lanes); }
  std::uint32_t thread() const { return current_; }
  void* dynamic_shared() const { return dynamic_.as<void>(); }
  void fence();
  void begin_atomic(std::uintptr_t address);
  void end_atomic(std::uintptr_t address);

  // Queries and reports of the load and store checks. Reporting a fault does not return.
  bool is_in_use(const Attempt&);
  bool has_acquired(Record r) const { return launch_->fences.has_acquired(acquired_, r); }
  bool synchronized_lanes(Record) const;
  void check_outside(const Attempt&);
  void count(const Attempt&);
  void stop_if_asked();
  void report_address(const Attempt&);
  void report_uninitialized(const Attempt&, std::uintptr_t address);
  void report_race(const Attempt&, std::uintptr_t address, Record other, Access what_it_did);
  void report_misaligned(const Attempt&, std::size_t alignment);
  std::string describe(std::uintptr_t address) const;
  void report(RawFinding);            // on the running thread
  [[noreturn]] void abandon_block();  // no thread of the block resumes

 private:
  struct LocalStorage {  // this OS thread's copy of a module's __shared__ variables
    Mapping words, bytes;
    Shadow shadow;
  };

  static void fiber(boost::context::detail::transfer_t);
  void prepare();
  void run_block(std::uint64_t linear);
  void make_order();
  void resume_next();  // switches to another thread, or to the scheduler if none is ready
  void start_or_switch(std::uint32_t thread);
  void select(std::uint32_t thread);
  void exit_thread();
  void complete_barrier();
  void complete(std::uint32_t first_thread, const Gathering&);
  void advance_time();
  void set_stamp();
  void renew(const Shadow&, Range, Record old_floor) const;
  static bool is_counted() { return (checker.attention_bits() & attention::counted) != 0; }

  std::uintptr_t allocation_code(std::uintptr_t address) const;
  bool note(RawFinding, std::uint32_t thread);  // returns whether to abandon the block
  RawFinding between(Check, Site, std::string what, std::uint32_t other, std::string other_what) const;
  void stop_block();
  void check_barrier();
  void check_warp_operation(const Warp&, std::uint32_t mask, int width, Site);
  void resolve_deadlock();
  void report_source(std::uint32_t thread, std::uint32_t source_lane);
  void push_ready(std::uint32_t thread) {
    ready_[ready_end_++ % max_threads] = static_cast<std::uint16_t>(thread);
  }
  Warp& warp_of(std::uint32_t thread) { return warps_[thread / warp_lanes]; }
  const Warp& warp_of(std::uint32_t thread) const { return warps_[thread / warp_lanes]; }

  Checker* const checker_ = &checker;  // of this OS thread, for access from others
  std::atomic<bool> must_stop_{false};
  Launch* launch_ = nullptr;
  std::uint64_t block_ = 0;  // linear index
  Stacks stacks_;
  boost::context::detail::fcontext_t scheduler_ = nullptr;
  boost::context::detail::fcontext_t* save_to_ = nullptr;  // destination of the suspended context
  boost::context::detail::fcontext_t left_ = nullptr;      // the context of a finished fiber

  std::uint32_t current_ = 0, threads_count_ = 0, exited_ = 0, at_barrier_ = 0;
  std::uint32_t first_at_barrier_ = 0,
                other_at_barrier_ = 0;  // two threads; equal if all wait at one line
  Vote vote_ = Vote::none;
  int vote_result_ = 0;
  bool abandoned_ = false;
  std::uint32_t time_ = 0;  // number of barriers and __syncwarps so far
  Record fence_ = 0;        // the block's last __threadfence
  Acquired acquired_;
  std::uint32_t ready_begin_ = 0, ready_end_ = 0;
  std::array<std::uint16_t, max_threads> ready_;
  std::vector<std::uint16_t> order_;
  std::array<Thread, max_threads> threads_;
  std::array<Warp, max_threads / warp_lanes> warps_;

  Mapping dynamic_, dynamic_words_, dynamic_bytes_;
  std::map<const Module*, LocalStorage> local_storages_;
  std::uintptr_t local_begin_ = 0;  // of the launch's module
  BarrierCounts barriers_;          // of this launch
  Counting counting_{max_threads};
  std::vector<bool> touched_;  // the module's __shared__ variables used by this launch
  std::size_t touched_bytes_ = 0;
};

// The worker of this OS thread; null on threads that run no blocks.
extern constinit thread_local Worker* current_worker;

// Excludes the emulator's own code from the checks, even templates that are also instantiated in a kernel
// file.
class Unchecked {
 public:
  Unchecked() : was_active_(checker.is_active()) { checker.set(attention::inactive); }
  Unchecked(const Unchecked&) = delete;
  Unchecked& operator=(const Unchecked&) = delete;
  ~Unchecked() {
    if (was_active_) checker.clear(attention::inactive);
  }

 private:
  bool was_active_;
};

// Thread identity as kernels see it; see device.h.
struct Position {
  static void set_on_device();  // for this OS thread, once
  static void set_thread(uint3);
  static void set_block(uint3);
  static void set_launch(dim3 grid, dim3 block);
};

}  // namespace metron::emulator
