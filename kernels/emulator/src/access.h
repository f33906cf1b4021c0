// Checks of loads and stores that miss the fast path.
#pragma once

#include <cstddef>
#include <cstdint>

#include "checker.h"

namespace metron::emulator {

// An access about to be executed.
struct Attempt {
  Access access;
  std::uintptr_t address;
  std::size_t bytes;
  void* code;            // return address
  unsigned widest = 16;  // the widest access of one device instruction
};

void check_slowly(Checker&, const Shadow&, bool shared, const Attempt&);  // whole words
void check_unaligned(Checker&, const Attempt&, bool must_be_aligned);     // any address and size
void check_outside(Checker&, const Attempt&);  // in neither device nor shared memory
void check_atomic(Checker&, const Attempt&);
void observe(Checker&, const Attempt&);

}  // namespace metron::emulator
