// The checks' view of the thread that runs: small, thread-local, and used by every load and store.
#pragma once

#include <cstdint>

#include "shadow.h"

namespace metron::emulator {

class Worker;

enum class Access : std::uint8_t { read, write, atomic };

struct Checker {
  bool active = false;        // a device thread runs on this OS thread
  bool sampled = false;       // its block's accesses are counted
  bool observed = false;      // they are, or the launch is to stop: see observe()
  Record stamp = 0;           // what an access of the thread leaves behind, less the flags
  Record launch_floor = 0;    // records below it are of earlier launches
  Record block_floor = 0;     // ... of other blocks, as are those from one_block on above it
  Record interval_floor = 0;  // ... were made before the block's last barrier
  Record warp_floor = 0;      // ... if of the same warp, before its last __syncwarp

  Range stack;                    // of the thread
  Range live;                     // where device memory was last found to be in use
  Range variable;                 // the same of static shared memory
  Range image;                    // constants that a kernel may read
  Shadow device, fixed, dynamic;  // device memory; static and dynamic shared memory
};
extern constinit thread_local Checker checker;

// Whether what the record stands for happened before what the thread does now, or is its own doing.
template <bool shared>
inline bool is_ordered(const Checker& c, Record r) {
  if (!shared && r < c.launch_floor) return true;
  return r - c.block_floor < c.interval_floor - c.block_floor || ((r ^ c.stamp) & record::same_thread) == 0;
}

// A record of shared memory may be left from another block that this worker ran.
inline bool is_stale(const Checker& c, Record r) { return r - c.block_floor >= record::one_block; }

// The relaxed accesses to cells: workers may meet there, and a lost record is no worse than the other order.
inline Record load(const Record& r) { return __atomic_load_n(&r, __ATOMIC_RELAXED); }
inline void store(Record& r, Record value) { __atomic_store_n(&r, value, __ATOMIC_RELAXED); }

// Adds the thread to those that have read. Of several readers the first is kept, with the time of the last.
template <bool shared>
inline void note_reader(const Checker& c, Cell& cell, Record r) {
  if (shared ? is_stale(c, r) : r < c.launch_floor) return store(cell.reader, c.stamp);
  if (!shared && is_stale(c, r)) {  // another block of the launch
    if ((r & record::blocks) == 0) store(cell.reader, r | record::blocks);
    return;
  }
  if (r < c.interval_floor) return store(cell.reader, c.stamp | (r & record::blocks));
  const Record difference = r ^ c.stamp;
  if ((difference & record::same_thread) == 0) return store(cell.reader, c.stamp | (r & record::flags));
  const bool warp_mate = (difference & record::same_warp) == 0;
  if (warp_mate && r < c.warp_floor)
    return store(cell.reader, c.stamp | (r & (record::warps | record::blocks)));
  const Record several =
      (r & ~record::time) | (c.stamp & record::time) | (warp_mate ? record::lanes : record::warps);
  if (several != r) store(cell.reader, several);
}

// The fast answers: true if all is well and recorded, false if check_slowly has to look.
template <bool shared>
inline bool read_cell(const Checker& c, Cell& cell) {
  const Record w = load(cell.writer);
  if ((w & record::set) == 0 || (shared && is_stale(c, w)) || !is_ordered<shared>(c, w)) return false;
  const Record r = load(cell.reader);
  if (((r ^ c.stamp) & ~record::flags) != 0) note_reader<shared>(c, cell, r);
  return true;
}

template <bool shared>
inline bool has_no_other_reader(const Checker& c, Record r) {
  if (shared ? is_stale(c, r) : r < c.launch_floor) return true;
  if ((r & record::flags) == 0) return is_ordered<shared>(c, r);
  return r - c.block_floor < c.interval_floor - c.block_floor && (r & record::blocks) == 0;
}

template <bool shared>
inline bool write_cell(const Checker& c, Cell& cell) {
  const Record w = load(cell.writer);
  if ((w & record::set) == 0 || (shared && is_stale(c, w)) || !is_ordered<shared>(c, w)) return false;
  if (!has_no_other_reader<shared>(c, load(cell.reader))) return false;
  store(cell.writer, c.stamp | record::set);
  return true;
}

}  // namespace metron::emulator
