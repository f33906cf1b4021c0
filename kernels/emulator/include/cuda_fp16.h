// IEEE half precision: __half, __half2 and their conversions.
#pragma once

#include "emulated/float16.h"

using __half = metron::emulator::Float16<metron::emulator::HalfFormat>;
using __half2 = metron::emulator::Float16x2<metron::emulator::HalfFormat>;
using half = __half;
using half2 = __half2;
struct __half_raw {
  unsigned short x;
};
METRON_EMULATOR_FLOAT16(half, __half, __half2)
