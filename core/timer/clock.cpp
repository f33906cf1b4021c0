#include <metron/core/timer/clock.h>

#include <array>
#include <chrono>
#include <utility>

namespace metron {
namespace {

std::array<std::unique_ptr<DeviceClock>, Device::type_count>& device_clocks() {
  static std::array<std::unique_ptr<DeviceClock>, Device::type_count> clocks;
  return clocks;
}

}  // namespace

std::int64_t steady_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void install_device_clock(Device::Type type, std::unique_ptr<DeviceClock> clock) {
  device_clocks()[static_cast<std::size_t>(type)] = std::move(clock);
}

DeviceClock* detail::device_clock(Device::Type type) {
  return device_clocks()[static_cast<std::size_t>(type)].get();
}

}  // namespace metron
