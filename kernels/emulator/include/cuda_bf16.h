// bfloat16: __nv_bfloat16, __nv_bfloat162 and their conversions.
#pragma once

#include "emulated/float16.h"

using __nv_bfloat16 = metron::emulator::Float16<metron::emulator::BrainFormat>;
using __nv_bfloat162 = metron::emulator::Float16x2<metron::emulator::BrainFormat>;
using nv_bfloat16 = __nv_bfloat16;
using nv_bfloat162 = __nv_bfloat162;
struct __nv_bfloat16_raw {
  unsigned short x;
};
METRON_EMULATOR_FLOAT16(bfloat16, __nv_bfloat16, __nv_bfloat162)
