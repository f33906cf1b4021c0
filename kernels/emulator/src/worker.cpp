#include "worker.h"

#include <algorithm>
#include <random>

#include "../emulator.h"
#include "globals.h"

namespace metron::emulator {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

constinit thread_local Worker* current_worker = nullptr;

namespace {

constexpr std::uint32_t last_time = (1u << 20) - 1;
constexpr std::size_t dynamic_bytes = std::size_t{256} << 10;  // more than any launch may request
constexpr std::size_t word_ratio = sizeof(Cell) / word_bytes, byte_ratio = sizeof(Cell);

}  // namespace

Worker::Worker()
    : stacks_(max_threads),
      dynamic_(dynamic_bytes),
      dynamic_words_(dynamic_bytes * word_ratio),
      dynamic_bytes_(dynamic_bytes * byte_ratio) {
  checker.dynamic = {{dynamic_.begin(), dynamic_.begin() + dynamic_bytes},
                     dynamic_words_.as<Cell>(),
                     dynamic_bytes_.as<Cell>()};
}

// Invariant over the blocks of the launch.
void Worker::prepare() {
  threads_count_ = launch_->threads;
  make_order();
  for (std::uint32_t t = 0; t < threads_count_; ++t) {
    const ThreadId id = launch_->id(0, t);
    threads_[t].index = {id.thread[0], id.thread[1], id.thread[2]};
  }
  Position::set_launch(launch_->grid, launch_->block);

  checker.device = device_shadow(launch_->memory->committed_end());
  checker.launch_floor = Record{launch_->first_serial} << record::serial_shift;
  checker.live = checker.variable = checker.image = {};
  checker.fixed = checker.globals = {};
  touched_.clear();
  touched_bytes_ = launch_->static_shared;
  const Module* const module = launch_->module;
  if (module == nullptr) return;
  if (const Globals* const globals = launch_->memory->globals_at(module->globals().begin))
    checker.globals = globals->shadow;
  if (module->local_storage_bytes() == 0) return;
  touched_.resize(module->variables().size());
  LocalStorage& storage = local_storages_[module];
  local_begin_ = module->local_storage();
  if (storage.words.size() == 0) {
    const std::uintptr_t begin = local_begin_ & ~(word_bytes - 1);
    const std::size_t bytes = (module->local_storage_bytes() + 2 * word_bytes) & ~(word_bytes - 1);
    storage.words = Mapping(bytes * word_ratio);
    storage.bytes = Mapping(bytes * byte_ratio);
    storage.shadow = {{begin, begin + bytes}, storage.words.as<Cell>(), storage.bytes.as<Cell>()};
  }
  checker.fixed = storage.shadow;
}

void Worker::request_stop() {
  must_stop_ = true;
  checker_->set(attention::stop);
}

void Worker::stop_if_asked() {
  if (!must_stop_) return;
  report({Check::timeout,
          0,
          {},
          "was running when the launch had taken " + std::to_string(launch_->options->timeout_seconds) +
              " s: a loop without end?"});
  abandon_block();
}

void Worker::run(Launch& launch) {
  launch_ = &launch;
  must_stop_ = false;
  checker.clear(attention::stop);
  prepare();
  while (!launch.abandoned) {
    const std::uint64_t block = launch.next_block++;
    if (block >= launch.blocks) break;
    run_block(block);
  }
  const std::lock_guard lock(launch.merging);
  launch.counts.add(counting_.take());
  for (const auto& [site, count] : barriers_) launch.barriers[site] += count;
  barriers_.clear();
  launch_ = nullptr;
}

// Warps in random order, and the lanes of each in random order. Lanes stay together, so that a warp's fibers
// stay in cache.
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
  block_ = linear;
  const ThreadId id = launch_->id(linear, 0);
  Position::set_block({id.block[0], id.block[1], id.block[2]});
  exited_ = at_barrier_ = ready_begin_ = ready_end_ = time_ = 0;
  abandoned_ = false;
  fence_ = 0;
  acquired_.clear();
  const bool counted = launch_->is_counted(linear);
  if (counted)
    checker.set(attention::counted);
  else
    checker.clear(attention::counted);
  checker.block_floor = checker.interval_floor = (launch_->first_serial + linear) << record::serial_shift;
  for (std::uint32_t first = 0; first < threads_count_; first += warp_lanes) {
    const std::uint32_t lanes = std::min(threads_count_ - first, warp_lanes);
    Warp& warp = warps_[first / warp_lanes];
    warp.lanes = lanes == warp_lanes ? ~0u : (1u << lanes) - 1;
    warp.exited = 0;
    warp.floor = 0;
    warp.gatherings.clear();
    warp.partial_syncs.clear();
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
    checker.clear(attention::inactive);
    start_or_switch(ready_[ready_begin_++ % max_threads]);
    checker.set(attention::inactive);
  }
  if (launch_->cooperative) launch_->grid_barrier.leave(abandoned_);
  if (counted) abandoned_ ? counting_.drop_block() : counting_.end_block(threads_count_);
  if (abandoned_)
    for (std::uint32_t t = 0; t < threads_count_; ++t)
      if (threads_[t].status != Status::fresh && threads_[t].status != Status::exited)
        stacks_.give_back(threads_[t].stack);
}

void Worker::select(std::uint32_t thread) {
  current_ = thread;
  const Thread& next = threads_[thread];
  Position::set_thread(next.index);
  checker.stack = stacks_.range(next.stack);
  set_stamp();
}

void Worker::set_stamp() {
  checker.stamp =
      checker.block_floor | Record{time_} << record::time_shift | Record{current_} << record::thread_shift;
  checker.warp_floor = warp_of(current_).floor;
}

// On overflow of the block's time, all of its previous accesses count as ordered.
void Worker::advance_time() {
  if (time_ < last_time) ++time_;
}

// Suspends the current context into *save_to_; returns when it is resumed.
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
  stop_if_asked();
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
    worker.launch_->invoke(worker.launch_->arguments.get());
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
  stop_block();
  save_to_ = &left_;
  jump_fcontext(scheduler_, this);
  __builtin_unreachable();
}

void Worker::count(const Attempt& attempt) {
  const Unchecked runtime;
  const bool shared = checker.fixed.holds(attempt.address) || checker.dynamic.holds(attempt.address);
  if (shared || checker.device.holds(attempt.address)) counting_.note(current_, shared, attempt);
}

int Worker::barrier(Vote vote, bool predicate, Site site) {
  const BarrierSite& skipped = launch_->options->skip_barrier;
  if (skipped.line == site.line && std::string_view(site.file).ends_with(skipped.file)) return predicate;
  Thread& self = threads_[current_];
  self.status = Status::at_barrier;
  self.site = site;
  self.predicate = predicate;
  vote_ = vote;
  if (at_barrier_ == 0) first_at_barrier_ = other_at_barrier_ = current_;
  const Site& first = threads_[first_at_barrier_].site;
  if (site.line != first.line || site.file != first.file) other_at_barrier_ = current_;
  if (++at_barrier_ == threads_count_ - exited_) {
    check_barrier();
    complete_barrier();
    self.status = Status::ready;
    set_stamp();
  } else {
    resume_next();
  }
  return vote_result_;
}

// All live threads have arrived: the running one continues, the others become ready.
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
  advance_time();
  checker.interval_floor = time_ == last_time ? checker.block_floor + record::one_block
                                              : checker.block_floor | Record{time_} << record::time_shift;
  for (std::uint32_t first = 0; first < threads_count_; first += warp_lanes)
    warp_of(first).partial_syncs.clear();
  const Thread& somebody = threads_[first_at_barrier_];
  ++barriers_[{somebody.site.file, somebody.site.line}];
  if (is_counted()) {
    const Unchecked runtime;
    counting_.barrier();
    counting_.end_interval(0, threads_count_);
  }
}

void Worker::fence() {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  launch_->fences.use();
  fence_ = checker.block_floor | Record{time_} << record::time_shift;
}

void Worker::begin_atomic(std::uintptr_t address) {
  if (fence_ != 0) launch_->fences.release(address, fence_);
}

void Worker::end_atomic(std::uintptr_t address) {
  if (launch_->fences.used()) launch_->fences.acquire(address, acquired_);
}

void Worker::exit_thread() {
  threads_[current_].status = Status::exited;
  ++exited_;
  warp_of(current_).exited |= lane_bit();
}

}  // namespace metron::emulator
