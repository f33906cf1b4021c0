// The barrier of a cooperative launch, at which the workers of its blocks wait for each other.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace metron::emulator {

class GridBarrier {
 public:
  enum class Result : std::uint8_t { passed, incomplete, stopped };

  void start(std::uint64_t blocks) { live_ = blocks_ = blocks; }

  // `last` runs once all blocks have arrived, before any resumes. Incomplete: a block has returned.
  template <class Last, class Stop>
  Result wait(const Last& last, const Stop& must_stop) {
    std::unique_lock lock(mutex_);
    const std::uint64_t generation = generation_;
    if (live_ != blocks_) return stopped_ ? Result::stopped : Result::incomplete;
    if (++arrived_ == blocks_) {
      arrived_ = 0;
      ++generation_;
      last();
      changed_.notify_all();
      return Result::passed;
    }
    const auto done = [&] { return generation_ != generation || live_ != blocks_; };
    while (!changed_.wait_for(lock, std::chrono::milliseconds(50), done))
      if (must_stop()) return Result::stopped;
    if (generation_ != generation) return Result::passed;
    return stopped_ ? Result::stopped : Result::incomplete;
  }

  // A block has ended: those that wait now, or later, never get past the barrier.
  void leave(bool abandoned) {
    const std::lock_guard lock(mutex_);
    --live_;
    stopped_ |= abandoned;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t blocks_ = 0, live_ = 0, arrived_ = 0, generation_ = 0;
  bool stopped_ = false;
};

}  // namespace metron::emulator
