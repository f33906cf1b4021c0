// What a machine can do at best, measured: the lines of a roofline and the meaning of "% of the roof".
#pragma once

#include <metron/core/device.h>

#include <cstdint>

namespace metron::tools {

struct Roofs {
  double gflops =
      0;  // float32 multiply-adds counted as two, on all threads or units that Metron computes with
  double gbytes = 0;  // per second from and to memory: reading or copying arrays much larger than the caches
  double cache_bytes = 0;  // of the last-level caches; 0 where they are not known
};

// Of the CPU, or of a GPU; nothing of an emulated device. Takes about half a second.
Roofs measure_roofs(Device device);
inline Roofs measure_cpu_roofs() { return measure_roofs(Device()); }

// Which roof some work is held against.
enum class RoofKind : std::uint8_t {
  none,     // nothing is known of the work, or of the machine
  compute,  // the peak of multiply-adds
  memory,
  cached  // memory would be, but the operands came from a cache, which has no roof here
};
const char* name_of(RoofKind kind);  // "" for none

struct RoofShare {
  RoofKind kind = RoofKind::none;
  double share = 0;  // the least time that peak and memory allow for the work, over the time taken
};

// `working_set`: the bytes that are touched over and over. What fits the caches stays there; and what was
// faster than memory can be was there too.
RoofShare roof_share(const Roofs& roofs, double flops, double bytes, double time_ns, double working_set);

}  // namespace metron::tools
