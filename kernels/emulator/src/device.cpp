#include "device.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace metron::emulator {

Device& Device::get() {
  static Device device;
  return device;
}

void Device::run(Launch& launch) {
  if (!workers_)
    workers_ = std::make_unique<Workers>(
        options.workers != 0 ? options.workers : std::max(1u, std::thread::hardware_concurrency()));
  launch.options = &options;
  workers_->run(launch);
}

void Device::fail(cudaError_t error, const std::string& explanation) {
  if (error_ == cudaSuccess) error_ = error;
  explanations_.try_emplace(error, explanation);
}

cudaError_t Device::take_error() { return remember(std::exchange(error_, cudaSuccess)); }

std::string Device::explanation(cudaError_t error) const {
  const auto found = explanations_.find(error);
  return found == explanations_.end() ? std::string() : found->second;
}

Options options() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  return device.options;
}

void set_options(const Options& options) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.streams.run_all();
  if (options.workers != device.options.workers) device.restart_workers();
  device.options = options;
}

std::uint64_t synchronizations() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  return device.synchronizations;
}

}  // namespace metron::emulator
