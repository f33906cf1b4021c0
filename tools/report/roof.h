// The roofs of the machine, measured: multiply-adds from registers, and copies of several sizes.
#pragma once

#include <metron/tools/report/run.h>

namespace metron::report {

// On all threads that Metron computes with. About a second.
Roof measure_cpu_roof();

// GB/s of a copy that moves this many bytes, between those measured.
double copy_speed(const Roof& roof, double bytes);

// The shortest time, in microseconds, in which the roofs let so much be computed and moved by calls of this
// size. 0 where there is no roof.
double roof_us(const Roof& roof, double flops, double bytes, double calls);

}  // namespace metron::report
