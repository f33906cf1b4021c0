// Common to the files of the portable CPU provider, which define kernels for the slots of core/slots.h and
// are installed by install.cpp.
//
// Every file of this folder is compiled once per instruction set, into namespace metron::<METRON_ISA>. Code
// from shared headers must be inlined or have internal linkage: of a weak function, the linker could keep the
// AVX2 version for baseline code. So the helpers in kernels/*.h are in unnamed namespaces, and cold code
// (strides, error messages, memory) is defined outside this folder.
#pragma once

#include <metron/core/options.h>
#include <metron/core/parallel.h>
#include <metron/core/random.h>
#include <metron/core/slots.h>
#include <metron/kernels/indexing.h>

#include <algorithm>
#include <cstdint>
#include <span>

namespace metron::METRON_ISA {

// Elements per thread that amortize a fork: some ten microseconds of work.
inline constexpr std::int64_t elementwise_grain = 32768;

// The same in units of work that touch that many elements each.
constexpr std::int64_t grain_of(std::int64_t elements_per_unit) {
  return std::max<std::int64_t>(1, elementwise_grain / std::max<std::int64_t>(elements_per_unit, 1));
}

// Kernels that other kernels call.
kernel::CopyFn copy;
kernel::ReduceFn reduce;

}  // namespace metron::METRON_ISA
