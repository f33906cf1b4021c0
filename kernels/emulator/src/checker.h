// State of the checks for the running thread: compact, thread-local, and used by every load and store.
#pragma once

#include <cstdint>

#include "shadow.h"

namespace metron::emulator {

class Worker;

enum class Access : std::uint8_t { read, write, atomic };

// Reasons for the next access to take the slow path: bits, some set by other OS threads.
namespace attention {
inline constexpr std::uint8_t inactive = 1;  // no device thread runs on this OS thread
inline constexpr std::uint8_t counted = 2;   // the block's accesses are counted
inline constexpr std::uint8_t stop = 4;      // the launch is to be abandoned
}  // namespace attention

struct Checker {
  std::uint8_t attention = attention::inactive;
  Record stamp = 0;           // the record written by an access of this thread, without flags
  Record launch_floor = 0;    // smaller records are from earlier launches
  Record block_floor = 0;     // ... from other blocks, as are those from one_block above it
  Record interval_floor = 0;  // ... from before the block's last barrier
  Record warp_floor = 0;      // ... for the same warp, from before its last __syncwarp

  Shadow device, fixed, dynamic;  // device memory; static and dynamic shared memory
  Shadow globals;                 // the module's __device__ variables
  Range stack;                    // of the thread
  Range live;                     // the last range of device memory found to be allocated
  Range variable;                 // the same for static shared memory
  Range image;                    // constants a kernel may read

  std::uint8_t attention_bits() const { return __atomic_load_n(&attention, __ATOMIC_RELAXED); }
  bool is_active() const { return (attention_bits() & attention::inactive) == 0; }
  void set(std::uint8_t bits) { __atomic_fetch_or(&attention, bits, __ATOMIC_RELAXED); }
  void clear(std::uint8_t bits) {
    __atomic_fetch_and(&attention, static_cast<std::uint8_t>(~bits), __ATOMIC_RELAXED);
  }
};
extern constinit thread_local Checker checker;

// A record of shared memory may be stale: left by another block on this worker.
inline bool is_stale(const Checker& c, Record r) { return r - c.block_floor >= record::one_block; }

// From this block, before its last barrier.
inline bool is_before_barrier(const Checker& c, Record r) {
  return r - c.block_floor < c.interval_floor - c.block_floor;
}

// Whether the recorded access happened before the current one, or is by the same thread.
template <bool shared>
inline bool is_ordered(const Checker& c, Record r) {
  return (!shared && r < c.launch_floor) || is_before_barrier(c, r) ||
         ((r ^ c.stamp) & record::same_thread) == 0;
}

// Relaxed accesses to cells: workers may race on them, but losing a record is equivalent to the other order.
inline Record load(const Record& r) { return __atomic_load_n(&r, __ATOMIC_RELAXED); }
inline void store(Record& r, Record value) { __atomic_store_n(&r, value, __ATOMIC_RELAXED); }

// Whether there are recorded readers since the last barrier or launch.
template <bool shared>
inline bool has_recent_readers(const Checker& c, Record r) {
  if (shared) return r - c.interval_floor < c.block_floor + record::one_block - c.interval_floor;
  return r >= c.launch_floor && !is_before_barrier(c, r);
}

// The reader record after a read by this thread. Of several readers it keeps the first, with the time of the
// last.
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

// Fast path: true if the access is valid and recorded, false if check_slowly has to examine it.
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
