#include "worker.h"

#include <algorithm>
#include <random>

#include "../emulator.h"

namespace metron::emulator {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

constinit thread_local Worker* current_worker = nullptr;

Worker::Worker()
    : stacks_(max_threads), dynamic_(std::make_unique<std::byte[]>(Limits().dynamic_shared_opt_in)) {}

void Worker::run(Launch& launch) {
  launch_ = &launch;
  threads_count_ = launch.threads;
  make_order();
  for (std::uint32_t t = 0; t < threads_count_; ++t)
    threads_[t].index = {t % launch.block.x, t / launch.block.x % launch.block.y,
                         t / (launch.block.x * launch.block.y)};
  Position::set_launch(launch.grid, launch.block);
  while (!launch.abandoned) {
    const std::uint64_t block = launch.next_block++;
    if (block >= launch.blocks) break;
    run_block(block);
  }
  launch_ = nullptr;
}

// Warps in a random order, and the lanes of each: together, so that a warp's fibers stay in the cache.
void Worker::make_order() {
  std::minstd_rand random(static_cast<std::uint32_t>(launch_->options->seed * 2654435761u + 1));
  std::vector<std::uint16_t> warps((threads_count_ + warp_lanes - 1) / warp_lanes);
  for (std::size_t i = 0; i < warps.size(); ++i) warps[i] = static_cast<std::uint16_t>(i);
  std::shuffle(warps.begin(), warps.end(), random);
  order_.clear();
  for (const std::uint32_t warp : warps) {
    const std::uint32_t first = warp * warp_lanes, lanes = std::min(threads_count_ - first, warp_lanes);
    for (std::uint32_t lane = 0; lane < lanes; ++lane)
      order_.push_back(static_cast<std::uint16_t>(first + lane));
    std::shuffle(order_.end() - lanes, order_.end(), random);
  }
}

void Worker::run_block(std::uint64_t linear) {
  const dim3 grid = launch_->grid;
  Position::set_block({static_cast<unsigned>(linear % grid.x),
                       static_cast<unsigned>(linear / grid.x % grid.y),
                       static_cast<unsigned>(linear / grid.x / grid.y)});
  exited_ = at_barrier_ = ready_begin_ = ready_end_ = 0;
  abandoned_ = false;
  for (std::uint32_t first = 0; first < threads_count_; first += warp_lanes) {
    const std::uint32_t lanes = std::min(threads_count_ - first, warp_lanes);
    Warp& warp = warps_[first / warp_lanes];
    warp.lanes = lanes == warp_lanes ? ~0u : (1u << lanes) - 1;
    warp.exited = 0;
    warp.gatherings.clear();
  }
  for (const std::uint16_t thread : order_) {
    threads_[thread].status = Status::fresh;
    push_ready(thread);
  }
  while (!abandoned_ && exited_ < threads_count_) {
    if (ready_begin_ == ready_end_) {
      resolve_deadlock();
      continue;
    }
    save_to_ = &scheduler_;
    start_or_switch(ready_[ready_begin_++ % max_threads]);
  }
  if (abandoned_)
    for (std::uint32_t t = 0; t < threads_count_; ++t)
      if (threads_[t].status != Status::fresh && threads_[t].status != Status::exited)
        stacks_.give_back(threads_[t].stack);
}

void Worker::select(std::uint32_t thread) {
  current_ = thread;
  Position::set_thread(threads_[thread].index);
}

// Leaves what runs now, whose context goes to *save_to_, and comes back when that is resumed.
void Worker::start_or_switch(std::uint32_t thread) {
  Thread& next = threads_[thread];
  if (next.status == Status::fresh) {
    next.stack = stacks_.take();
    next.context = make_fcontext(stacks_.top(next.stack), Stacks::bytes - 64, fiber);
  }
  next.status = Status::ready;
  select(thread);
  const transfer_t back = jump_fcontext(next.context, this);
  *save_to_ = back.fctx;
}

void Worker::resume_next() {
  const std::uint32_t self = current_;
  if (ready_begin_ != ready_end_) {
    const std::uint32_t next = ready_[ready_begin_++ % max_threads];
    save_to_ = &threads_[self].context;
    start_or_switch(next);
  } else {
    save_to_ = &threads_[self].context;
    const transfer_t back = jump_fcontext(scheduler_, this);
    *save_to_ = back.fctx;
  }
}

void Worker::fiber(transfer_t from) {
  Worker& worker = *static_cast<Worker*>(from.data);
  *worker.save_to_ = from.fctx;
  for (;;) {
    worker.launch_->call.invoke(worker.launch_->call.arguments.get());
    worker.exit_thread();
    const std::uint32_t stack = worker.threads_[worker.current_].stack;
    if (worker.ready_begin_ != worker.ready_end_) {
      const std::uint32_t thread = worker.ready_[worker.ready_begin_++ % max_threads];
      Thread& next = worker.threads_[thread];
      if (next.status == Status::fresh) {  // on this same fiber
        next.stack = stack;
        next.status = Status::ready;
        worker.select(thread);
        continue;
      }
      worker.stacks_.give_back(stack);
      worker.save_to_ = &worker.left_;
      worker.start_or_switch(thread);
    }
    worker.stacks_.give_back(stack);
    worker.save_to_ = &worker.left_;
    jump_fcontext(worker.scheduler_, &worker);
  }
}

void Worker::abandon_block() {
  abandoned_ = true;
  launch_->abandoned = true;
  save_to_ = &left_;
  jump_fcontext(scheduler_, this);
  __builtin_unreachable();
}

int Worker::barrier(Vote vote, bool predicate, Site site) {
  Thread& self = threads_[current_];
  self.status = Status::at_barrier;
  self.site = site;
  self.predicate = predicate;
  vote_ = vote;
  if (++at_barrier_ == threads_count_ - exited_) {
    complete_barrier();
    self.status = Status::ready;
  } else {
    resume_next();
  }
  return vote_result_;
}

// All live threads have arrived; the one that runs now goes on, the others become ready.
void Worker::complete_barrier() {
  int votes = 0;
  for (const std::uint16_t t : order_) {
    Thread& thread = threads_[t];
    if (thread.status != Status::at_barrier) continue;
    votes += thread.predicate;
    thread.status = Status::ready;
    if (t != current_) push_ready(t);
  }
  const int arrived = static_cast<int>(at_barrier_);
  vote_result_ = vote_ == Vote::count ? votes : vote_ == Vote::all ? votes == arrived : votes != 0;
  at_barrier_ = 0;
}

void Worker::exit_thread() {
  threads_[current_].status = Status::exited;
  ++exited_;
  warp_of(current_).exited |= lane_bit();
}

}  // namespace metron::emulator
