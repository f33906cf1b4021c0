// An opt-in model of a device's time. Without one the emulator has no clock but the CPU's. With one, work
// takes the time that a data sheet suggests, on streams that run asynchronously to a modeled host; events,
// waits and queries see that time. It is for tests of what depends on device times. No figure of it is a
// GPU's time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace metron::emulator {

struct DeviceModel {
  std::string name;  // empty: no model
  int multiprocessors = 1;
  int threads_per_multiprocessor = 2048;
  double clock_hz = 1e9;                // at which a multiprocessor issues memory instructions of warps
  double bytes_per_second = 1e12;       // of device memory
  double copy_bytes_per_second = 1e10;  // between host and device
  int copy_engines = 2;                 // 1: both directions share it
  double launch_ns = 2000;              // that each kernel and copy takes beyond its work
  double submit_ns = 2000;              // from a call of the host until an idle stream begins the work
  double event_ns = 1000;               // that recording an event takes on the stream
  double event_resolution_ns = 500;     // of the time of an event
};

// Waits for all queued work. Times begin anew. An empty name removes the model.
void set_device_model(const DeviceModel& model);
DeviceModel device_model();

// The modeled host. Its clock is that of the CPU without the time spent on emulation, and advances when the
// host waits for the device. In ns, from the origin of std::chrono::steady_clock.
std::int64_t host_now_ns();

// A host whose clock only advances here, by waiting, and by call_ns per call that enqueues work or queries,
// so that times are reproducible. Ends when the model is set.
void use_manual_host(std::int64_t call_ns);
void advance_host(std::int64_t ns);

// What the model assigned to each operation that takes time. Kept only between keep_modeled_work(true) and
// (false), which drops it.
struct ModeledWork {
  std::string
      name;  // of a kernel or library call, "copy to device", "copy to host", "copy", "memset", "event"
  double bytes = 0;                                   // device memory traffic, or bytes copied
  double submitted_ns = 0, start_ns = 0, end_ns = 0;  // on the host's time axis
};
void keep_modeled_work(bool keep);
std::vector<ModeledWork> modeled_work();  // waits for queued work, but the host does not

}  // namespace metron::emulator
