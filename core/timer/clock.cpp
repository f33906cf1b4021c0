#include <metron/core/timer/clock.h>

#include <array>
#include <atomic>
#include <chrono>
#include <utility>

namespace metron {
namespace {

std::array<std::unique_ptr<DeviceClock>, Device::type_count>& device_clocks() {
  static std::array<std::unique_ptr<DeviceClock>, Device::type_count> clocks;
  return clocks;
}

std::atomic<HostClock> host_clock{nullptr};

}  // namespace

std::int64_t steady_now_ns() {
  if (const HostClock clock = host_clock.load(std::memory_order_relaxed); clock != nullptr) [[unlikely]]
    return clock();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void set_host_clock(HostClock now) { host_clock = now; }

void install_device_clock(Device::Type type, std::unique_ptr<DeviceClock> clock) {
  device_clocks()[static_cast<std::size_t>(type)] = std::move(clock);
}

DeviceClock* detail::device_clock(Device::Type type) {
  return device_clocks()[static_cast<std::size_t>(type)].get();
}

}  // namespace metron
