// What a machine can do at best, measured: the lines of a roofline and the meaning of "% of the roof".
#pragma once

#include <metron/core/device.h>

namespace metron::tools {

struct Roofs {
  double gflops =
      0;  // float32 multiply-adds counted as two, on all threads or units that Metron computes with
  double gbytes = 0;  // per second read and written by copying arrays much larger than the caches
};

// Of the CPU, or of a GPU; nothing of an emulated device. Takes about half a second.
Roofs measure_roofs(Device device);
inline Roofs measure_cpu_roofs() { return measure_roofs(Device()); }

// The least time that a call with so much work can take, in nanoseconds; 0 if nothing is known of its work.
double floor_ns(const Roofs& roofs, double flops, double bytes);

}  // namespace metron::tools
