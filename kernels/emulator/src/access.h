// The checks of loads and stores beyond the fast path.
#pragma once

#include <cstddef>
#include <cstdint>

#include "checker.h"

namespace metron::emulator {

// An access that is about to happen.
struct Attempt {
  Access access;
  std::uintptr_t address;
  std::size_t bytes;
  void* code;            // that it returns to
  unsigned widest = 16;  // the most bytes that one instruction of the device moves
};

void check_slowly(Checker&, const Shadow&, bool shared, const Attempt&);  // whole words
void check_askew(Checker&, const Attempt&, bool must_be_aligned);         // any address and size
void check_outside(Checker&, const Attempt&);                             // neither device nor shared memory
void check_atomic(Checker&, const Attempt&);
void observe(Checker&, const Attempt&);

}  // namespace metron::emulator
