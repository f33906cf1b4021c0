// What a machine can do at best, measured: the lines of a roofline and the meaning of "% of the roof".
#pragma once

namespace metron::tools {

struct Roofs {
  double gflops = 0;  // float32 multiply-adds counted as two, on all threads that Metron computes with
  double gbytes = 0;  // per second read and written by copying arrays much larger than the caches
};

// Takes about half a second.
Roofs measure_cpu_roofs();

// The least time that a call with so much work can take, in nanoseconds; 0 if nothing is known of its work.
double floor_ns(const Roofs& roofs, double flops, double bytes);

}  // namespace metron::tools
