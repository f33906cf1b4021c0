// The checks' view of the thread that runs: small, thread-local, and used by every load and store.
#pragma once

#include <cstdint>

#include "shadow.h"

namespace metron::emulator {

class Worker;

enum class Access : std::uint8_t { read, write, atomic };

// Why the next access must not take the fast path: bits, which another OS thread may set too.
namespace attention {
inline constexpr std::uint8_t inactive = 1;  // no device thread runs on this OS thread
inline constexpr std::uint8_t counted = 2;   // the block's accesses are counted
inline constexpr std::uint8_t stop = 4;      // the launch is to stop
}  // namespace attention

struct Checker {
  std::uint8_t attention = attention::inactive;
  Record stamp = 0;           // what an access of the thread leaves behind, less the flags
  Record launch_floor = 0;    // records below it are of earlier launches
  Record block_floor = 0;     // ... of other blocks, as are those from one_block on above it
  Record interval_floor = 0;  // ... were made before the block's last barrier
  Record warp_floor = 0;      // ... if of the same warp, before its last __syncwarp

  Shadow device, fixed, dynamic;  // device memory; static and dynamic shared memory
  Range stack;                    // of the thread
  Range live;                     // where device memory was last found to be in use
  Range variable;                 // the same of static shared memory
  Range image;                    // constants that a kernel may read

  std::uint8_t wants() const { return __atomic_load_n(&attention, __ATOMIC_RELAXED); }
  bool is_active() const { return (wants() & attention::inactive) == 0; }
  void set(std::uint8_t bits) { __atomic_fetch_or(&attention, bits, __ATOMIC_RELAXED); }
  void clear(std::uint8_t bits) {
    __atomic_fetch_and(&attention, static_cast<std::uint8_t>(~bits), __ATOMIC_RELAXED);
  }
};
extern constinit thread_local Checker checker;

// A record of shared memory may be left from another block that this worker ran.
inline bool is_stale(const Checker& c, Record r) { return r - c.block_floor >= record::one_block; }

// Made by this block before its last barrier.
inline bool is_before_barrier(const Checker& c, Record r) {
  return r - c.block_floor < c.interval_floor - c.block_floor;
}

// Whether what the record stands for happened before what the thread does now, or is its own doing.
template <bool shared>
inline bool is_ordered(const Checker& c, Record r) {
  return (!shared && r < c.launch_floor) || is_before_barrier(c, r) ||
         ((r ^ c.stamp) & record::same_thread) == 0;
}

// The relaxed accesses to cells: workers may meet there, and a lost record is no worse than the other order.
inline Record load(const Record& r) { return __atomic_load_n(&r, __ATOMIC_RELAXED); }
inline void store(Record& r, Record value) { __atomic_store_n(&r, value, __ATOMIC_RELAXED); }

// Whether readers are on record that no barrier or launch has come after.
template <bool shared>
inline bool has_recent_readers(const Checker& c, Record r) {
  if (shared) return r - c.interval_floor < c.block_floor + record::one_block - c.interval_floor;
  return r >= c.launch_floor && !is_before_barrier(c, r);
}

// The record of who has read, once this thread has too. Of several readers the first is kept, with the time
// of the last.
template <bool shared>
inline Record with_reader(const Checker& c, Record r) {
  if (!has_recent_readers<shared>(c, r))
    return c.stamp | (shared || r < c.launch_floor ? 0 : r & record::blocks);
  if (!shared && is_stale(c, r)) return r | record::blocks;  // another block of the launch
  const Record difference = r ^ c.stamp;
  if ((difference & record::same_thread) == 0) return c.stamp | (r & record::flags);
  const bool warp_mate = (difference & record::same_warp) == 0;
  if (warp_mate && r < c.warp_floor) return c.stamp | (r & (record::warps | record::blocks));
  return (r & ~record::time) | (c.stamp & record::time) | (warp_mate ? record::lanes : record::warps);
}

template <bool shared>
inline bool has_no_other_reader(const Checker& c, Record r) {
  if (shared ? is_stale(c, r) : r < c.launch_floor) return true;
  if ((r & record::flags) == 0) return is_ordered<shared>(c, r);
  return is_before_barrier(c, r) && (r & record::blocks) == 0;
}

template <bool shared>
inline bool is_written(const Checker& c, Record w) {
  return (w & record::set) != 0 && !(shared && is_stale(c, w)) && is_ordered<shared>(c, w);
}

// The fast answers: true if all is well and recorded, false if check_slowly has to look.
template <bool shared>
inline bool read_cell(const Checker& c, Cell& cell) {
  if (!is_written<shared>(c, load(cell.writer))) return false;
  const Record r = load(cell.reader), next = with_reader<shared>(c, r);
  if (next != r) store(cell.reader, next);
  return true;
}

template <bool shared>
inline bool write_cell(const Checker& c, Cell& cell) {
  if (!is_written<shared>(c, load(cell.writer)) || !has_no_other_reader<shared>(c, load(cell.reader)))
    return false;
  store(cell.writer, c.stamp | record::set);
  return true;
}

}  // namespace metron::emulator
