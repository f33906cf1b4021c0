// What the checks know of each 4-byte word of memory: who wrote and who read it last, and which bytes are
// set.
#pragma once

#include <cstdint>

#include "memory.h"

namespace metron::emulator {

struct Cell {
  std::uint64_t writer, reader;
};

// Cells of device memory lie in a region of their own, in the order of the words.
inline constexpr std::uintptr_t shadow_begin = 0x2200'0000'0000;
inline constexpr std::size_t word_bytes = 4;
inline std::uintptr_t device_shadow(std::uintptr_t address) {
  return shadow_begin + (address - Memory::region_begin) / word_bytes * sizeof(Cell);
}
inline Cell* device_cell(std::uintptr_t address) { return reinterpret_cast<Cell*>(device_shadow(address)); }

}  // namespace metron::emulator
