// Shadow memory: for each 4-byte word, its last writer and reader, and whether it is initialized.
//
// A record is a number that increases with time: the block's serial number, the block's time (its barriers
// and __syncwarps so far), the thread, flags. Tests such as "in this launch" and "since the last barrier" are
// comparisons. Words that are accessed in parts have an additional cell per byte.
#pragma once

#include <cstdint>

#include "memory.h"

namespace metron::emulator {

using Record = std::uint64_t;

struct Cell {
  Record writer, reader;
};

namespace record {
inline constexpr int thread_shift = 6, lane_bits = 5, time_shift = 16, serial_shift = 36;
inline constexpr Record flags = 63;
inline constexpr Record same_warp =
    ~((Record{1} << (thread_shift + lane_bits)) - 1) & ~(((Record{1} << 20) - 1) << time_shift);
inline constexpr Record same_thread = same_warp | Record{31} << thread_shift;
inline constexpr Record time = ((Record{1} << 20) - 1) << time_shift;
inline constexpr Record any_thread = (Record{1} << time_shift) - 1;
inline constexpr Record one_block = Record{1} << serial_shift, latest_time = time;
inline constexpr std::uint64_t max_serial = (std::uint64_t{1} << 28) - 1;

// Flags of a writer.
inline constexpr Record set = 1;    // initialized since its allocation
inline constexpr Record parts = 2;  // the cells of the bytes are authoritative
inline constexpr Record atomic = 4;
// Flag of a reader: the first of several.
inline constexpr Record lanes = 1, warps = 2, blocks = 4;

inline constexpr std::uint32_t thread_of(Record r) { return r >> thread_shift & 1023; }
inline constexpr std::uint64_t serial_of(Record r) { return r >> serial_shift; }
}  // namespace record

inline constexpr std::size_t word_bytes = 4;

// The shadow of a range of memory.
struct Shadow {
  Range memory;  // starts at a word boundary
  Cell* words = nullptr;
  Cell* bytes = nullptr;

  bool holds(std::uintptr_t address) const { return address - memory.begin < memory.end - memory.begin; }
  Cell& word(std::uintptr_t address) const { return words[(address - memory.begin) / word_bytes]; }
  Cell& byte(std::uintptr_t address) const { return bytes[address - memory.begin]; }
  Cell* parts(std::uintptr_t address) const { return &bytes[(address - memory.begin) & ~(word_bytes - 1)]; }

  // Switches the word to per-byte cells, and sets `mark` in its own cell.
  void split(std::uintptr_t address, bool stale, Record mark) const;
  bool is_set(std::uintptr_t address) const;
  Range words_of(Range range) const {  // the addresses of the cells, including partial words at the ends
    return {reinterpret_cast<std::uintptr_t>(&word(range.begin)),
            reinterpret_cast<std::uintptr_t>(&word(range.end - 1) + 1)};
  }
  void mark_set(Range) const;
  void mark_unset(std::uintptr_t address) const;  // one byte
};

// The cells of device memory are in separate regions, in the order of the words and of the bytes.
inline constexpr std::uintptr_t word_shadow_begin = 0x2200'0000'0000, byte_shadow_begin = 0x3000'0000'0000;
inline Shadow device_shadow(std::uintptr_t end) {
  return {{Memory::region_begin, end},
          reinterpret_cast<Cell*>(word_shadow_begin),
          reinterpret_cast<Cell*>(byte_shadow_begin)};
}

}  // namespace metron::emulator
