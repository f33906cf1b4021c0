// Atomics of a narrower or wider scope than the device: the emulator orders them as those of the device.
#pragma once

#include "atomics.h"

#define METRON_EMULATOR_SCOPES(name)                                                        \
  template <class T, class... Operands>                                                     \
  inline __attribute__((always_inline)) T name##_block(T* address, Operands... operands) {  \
    return name(address, static_cast<T>(operands)...);                                      \
  }                                                                                         \
  template <class T, class... Operands>                                                     \
  inline __attribute__((always_inline)) T name##_system(T* address, Operands... operands) { \
    return name(address, static_cast<T>(operands)...);                                      \
  }
METRON_EMULATOR_SCOPES(atomicAdd)
METRON_EMULATOR_SCOPES(atomicSub)
METRON_EMULATOR_SCOPES(atomicMin)
METRON_EMULATOR_SCOPES(atomicMax)
METRON_EMULATOR_SCOPES(atomicAnd)
METRON_EMULATOR_SCOPES(atomicOr)
METRON_EMULATOR_SCOPES(atomicXor)
METRON_EMULATOR_SCOPES(atomicExch)
METRON_EMULATOR_SCOPES(atomicCAS)
METRON_EMULATOR_SCOPES(atomicInc)
METRON_EMULATOR_SCOPES(atomicDec)
#undef METRON_EMULATOR_SCOPES
