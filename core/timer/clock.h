// The host clock, and the interface of a device clock.
#pragma once

#include <metron/core/device.h>

#include <cstdint>
#include <memory>

namespace metron {

std::int64_t steady_now_ns();

// Events on a device's queue. They are resolved when a report is made, never during an op.
class DeviceClock {
 public:
  virtual ~DeviceClock() = default;
  virtual std::uint32_t begin(Device device) = 0;  // returns a ticket for end and resolve_ns
  virtual void end(Device device, std::uint32_t ticket) = 0;
  virtual double resolve_ns(std::uint32_t ticket) = 0;  // may wait for the device; called once per ticket
};
void install_device_clock(Device::Type type, std::unique_ptr<DeviceClock> clock);

namespace detail {
DeviceClock* device_clock(Device::Type type);  // nullptr if the device has none
}

}  // namespace metron
