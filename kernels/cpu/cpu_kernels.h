// What the portable CPU provider's files share. Each defines kernels for slots of core/slots.h, installed by
// install.cpp.
//
// Every file of this folder is compiled once per instruction set, into namespace metron::<METRON_ISA>. What
// it shares through headers with code that must run on any processor has to be inlined or internal: a weak
// function compiled for AVX2 could be the one that the linker keeps. So the helpers here and in kernels/*.h
// stand in unnamed namespaces, and whatever is not hot (strides, error messages, memory) is called from files
// outside of this folder.
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

// Elements that are worth a thread of their own: some ten microseconds of work.
inline constexpr std::int64_t elementwise_grain = 32768;

// The same in units of work that touch that many elements each.
constexpr std::int64_t grain_of(std::int64_t elements_per_unit) {
  return std::max<std::int64_t>(1, elementwise_grain / std::max<std::int64_t>(elements_per_unit, 1));
}

// Kernels that others are made of.
kernel::CopyFn copy;
kernel::ReduceFn reduce;

}  // namespace metron::METRON_ISA
