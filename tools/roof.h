// Measured peak rates of a machine: the lines of a roofline plot and the meaning of "% of the roof".
#pragma once

#include <metron/core/device.h>

#include <cstdint>

namespace metron::tools {

struct Roofs {
  double gflops = 0;       // float32 GFLOP/s, counting a multiply-add as two, with all compute threads
  double gbytes = 0;       // GB/s of memory bandwidth: reading or copying arrays much larger than the caches
  double cache_bytes = 0;  // of the last-level caches; 0 if unknown
};

// Of the CPU or of a GPU; all zero for an emulated device. Takes about half a second.
Roofs measure_roofs(Device device);
inline Roofs measure_cpu_roofs() { return measure_roofs(Device()); }

// Which bound applies to a kernel.
enum class RoofKind : std::uint8_t {
  none,     // the work or the machine's rates are unknown
  compute,  // peak FLOP/s
  memory,
  cached  // memory-bound in theory, but the operands came from a cache, whose bandwidth is not measured
};
const char* name_of(RoofKind kind);  // "" for none

struct RoofShare {
  RoofKind kind = RoofKind::none;
  double share = 0;  // minimal time allowed by peak and bandwidth, relative to the time taken
};

// `working_set`: the bytes that are accessed repeatedly. They stay in the caches if they fit, and so did
// anything that ran faster than memory allows.
RoofShare roof_share(const Roofs& roofs, double flops, double bytes, double time_ns, double working_set);

}  // namespace metron::tools
