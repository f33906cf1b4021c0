// The shadow of a module's __device__ variables.
#pragma once

#include "mapping.h"
#include "shadow.h"

namespace metron::emulator {

struct Globals {
  explicit Globals(Range);
  void reset_records() const;  // no reader, and a writer that is ordered before everything

  Range range;
  Mapping words, bytes;
  Shadow shadow;
};

}  // namespace metron::emulator
