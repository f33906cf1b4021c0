// The clocks of the timer: the host's, and the contract of a device's.
#pragma once

#include <metron/core/device.h>

#include <cstdint>
#include <memory>

namespace metron {

std::int64_t steady_now_ns();

// The device half of the clock: marks on a device's queue, read when the report is asked for, never per op.
class DeviceClock {
 public:
  virtual ~DeviceClock() = default;
  virtual std::uint32_t begin(Device device) = 0;  // returns a ticket
  virtual void end(Device device, std::uint32_t ticket) = 0;
  virtual double resolve_ns(std::uint32_t ticket) = 0;  // may wait for the device; asked once a ticket
};
void install_device_clock(Device::Type type, std::unique_ptr<DeviceClock> clock);

namespace detail {
DeviceClock* device_clock(Device::Type type);  // nullptr where the device has none
}

}  // namespace metron
