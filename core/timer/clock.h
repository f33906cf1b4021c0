// The host clock, and the interface of a device clock.
#pragma once

#include <metron/core/device.h>

#include <cstdint>
#include <memory>
#include <string>

namespace metron {

std::int64_t steady_now_ns();

// Replaces the clock that steady_now_ns() reads, for a modeled device and its host. nullptr restores it.
// Affects all threads; must not be called while a profiler runs.
using HostClock = std::int64_t (*)();
void set_host_clock(HostClock now);

// A resolved pair of events.
struct DeviceInterval {
  double start_ns = -1;  // from an origin that is the same for all intervals of a device; negative if unknown
  double ns = -1;
};

// What a clock itself adds to each interval, and the 95th percentile above that.
struct ClockCost {
  double ns = -1;  // negative: unknown, as no device is in use yet
  double noise_ns = 0;
  double host_ns = 0;  // of the host, for begin and end
};

// Events on a device's queue. They are resolved when a report is made, never during an op.
class DeviceClock {
 public:
  virtual ~DeviceClock() = default;
  // Returns a ticket for end and resolve_ns. An interval may begin where the one before ended, if the device
  // has not come so far yet. What other threads enqueue in an interval, or then between the two, is part of
  // it.
  virtual std::uint32_t begin(Device device) = 0;
  virtual void end(Device device, std::uint32_t ticket) = 0;
  virtual double resolve_ns(std::uint32_t ticket) = 0;  // may wait for the device; called once per ticket
  // The same with the start, instead of resolve_ns.
  virtual DeviceInterval resolve(std::uint32_t ticket) { return {-1, resolve_ns(ticket)}; }
  // The following are called outside of ops, when recording begins and after each step.
  virtual bool is_complete(std::uint32_t /*ticket*/) { return false; }  // resolve() would not wait
  virtual bool runs_short() { return false; }  // without resolved tickets, prepare() would create events
  virtual void prepare() {}                    // creates ahead what begin() needs
  virtual void settle() {}                     // waits for all work enqueued before recording
  // Enqueues work, so that the device is behind the host by about this long. Returns how long it will be,
  // which is less if the queue can't hold as much, and 0 if there is no such work.
  virtual double occupy(Device /*device*/, double /*ns*/) { return 0; }
  // Measures an empty interval.
  virtual ClockCost measure() { return {}; }
  // What views call its times: "device", or "model of ..." if they are not a device's.
  virtual std::string name() const { return "device"; }
};
void install_device_clock(Device::Type type, std::unique_ptr<DeviceClock> clock);

namespace detail {
DeviceClock* device_clock(Device::Type type);  // nullptr if the device has none
}

}  // namespace metron
