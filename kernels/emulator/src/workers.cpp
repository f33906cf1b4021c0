#include "workers.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "launch.h"
#include "worker.h"

namespace metron::emulator {

Workers::Workers(unsigned count) : workers_(count) {
  for (unsigned i = 0; i < count; ++i)
    threads_.emplace_back([this, i](const std::stop_token& stop) { work(stop, i); });
}

Workers::~Workers() = default;  // jthreads: requests a stop and joins

void Workers::work(std::stop_token stop, unsigned index) {
  const auto worker = std::make_unique<Worker>();
  current_worker = worker.get();
  Position::set_on_device();
  std::uint64_t seen = 0;
  std::unique_lock lock(mutex_);
  workers_[index] = worker.get();
  while (wake_.wait(lock, stop, [&] { return launch_number_ != seen; })) {
    seen = launch_number_;
    if (index >= active_) continue;
    Launch& launch = *launch_;
    lock.unlock();
    worker->run(launch);
    lock.lock();
    if (--busy_ == 0) done_.notify_one();
  }
}

void Workers::run(Launch& launch) {
  std::unique_lock lock(mutex_);
  launch_ = &launch;
  active_ = static_cast<unsigned>(std::min<std::uint64_t>(threads_.size(), launch.blocks));
  busy_ = active_;
  ++launch_number_;
  wake_.notify_all();
  const auto is_done = [&] { return busy_ == 0; };
  const std::chrono::duration<double> timeout(launch.options->timeout_seconds);
  if (timeout.count() > 0 && !done_.wait_for(lock, timeout, is_done))
    for (Worker* const worker : workers_)
      if (worker != nullptr) worker->request_stop();
  done_.wait(lock, is_done);
}

}  // namespace metron::emulator
