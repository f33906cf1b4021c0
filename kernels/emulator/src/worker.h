// Runs the blocks of launches, one at a time, each CUDA thread a fiber of this OS thread.
#pragma once

#include <array>
#include <boost/context/detail/fcontext.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "../include/emulated/synchronization.h"
#include "launch.h"
#include "stacks.h"

namespace metron::emulator {

struct Site {
  const char* file = nullptr;
  int line = 0;
};

enum class Status : std::uint8_t { fresh, ready, at_barrier, at_warp_operation, exited };

inline constexpr unsigned max_threads = 1024, warp_lanes = 32;

// One CUDA thread of the block.
struct Thread {
  boost::context::detail::fcontext_t context;
  uint3 index;
  std::uint32_t stack;
  Status status;
  bool predicate;  // of a voting barrier
  WarpOp op;
  std::uint32_t mask, operand;
  int width;
  std::uint64_t value, result;
  Site site;  // where it waits
};

// Lanes of one warp that wait in the same operation with the same mask.
struct Gathering {
  WarpOp op;
  std::uint32_t mask, arrived;
};
struct Warp {
  std::uint32_t lanes = 0;   // that exist
  std::uint32_t exited = 0;  // of them
  std::vector<Gathering> gatherings;
};

class Worker {
 public:
  Worker();

  void run(Launch&);  // takes blocks until none is left

  // What a device thread calls.
  int barrier(Vote, bool predicate, Site);
  std::uint64_t warp_operation(WarpOp, std::uint32_t mask, std::uint64_t value, std::uint32_t operand,
                               int width, Site);
  std::uint32_t lane_bit() const { return 1u << (current_ % warp_lanes); }
  void* dynamic_shared() { return dynamic_.get(); }
  [[noreturn]] void abandon_block();  // the current thread never runs on, nor does any of its block

 private:
  static void fiber(boost::context::detail::transfer_t);
  void run_block(std::uint64_t linear);
  void make_order();
  void resume_next();  // another thread, or the scheduler if none is ready
  void start_or_switch(std::uint32_t thread);
  void select(std::uint32_t thread);
  void exit_thread();
  void complete_barrier();
  void complete(std::uint32_t first_thread, const Gathering&);
  void resolve_deadlock();

  void push_ready(std::uint32_t thread) {
    ready_[ready_end_++ % max_threads] = static_cast<std::uint16_t>(thread);
  }
  Warp& warp_of(std::uint32_t thread) { return warps_[thread / warp_lanes]; }

  Launch* launch_ = nullptr;
  Stacks stacks_;
  boost::context::detail::fcontext_t scheduler_ = nullptr;
  boost::context::detail::fcontext_t* save_to_ = nullptr;  // where the context that was left belongs
  boost::context::detail::fcontext_t left_ = nullptr;      // of a fiber that has ended

  std::uint32_t current_ = 0, threads_count_ = 0, exited_ = 0, at_barrier_ = 0;
  Vote vote_ = Vote::none;
  int vote_result_ = 0;
  bool abandoned_ = false;
  std::uint32_t ready_begin_ = 0, ready_end_ = 0;
  std::array<std::uint16_t, max_threads> ready_;
  std::vector<std::uint16_t> order_;
  std::array<Thread, max_threads> threads_;
  std::array<Warp, max_threads / warp_lanes> warps_;
  std::unique_ptr<std::byte[]> dynamic_;
};

// Of this OS thread; null on those that run no blocks.
extern constinit thread_local Worker* current_worker;

// Thread identity as kernels see it; see device.h.
struct Position {
  static void set_thread(uint3);
  static void set_block(uint3);
  static void set_launch(dim3 grid, dim3 block);
};

}  // namespace metron::emulator
