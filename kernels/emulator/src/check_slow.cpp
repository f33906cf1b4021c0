// Loads and stores beyond the fast path: first use of memory, partial words, and violations.
#include <algorithm>
#include <bit>

#include "access.h"
#include "findings.h"
#include "worker.h"

namespace metron::emulator {

namespace {

bool same_block(const Checker& c, Record r) { return !is_stale(c, r); }

// Ordered by a __syncwarp of both lanes, or by a fence and an atomic between blocks.
bool is_ordered_slowly(const Checker& c, Record r) {
  const Worker& worker = *current_worker;
  if (!same_block(c, r)) return worker.has_acquired(r);
  return ((r ^ c.stamp) & record::same_warp) == 0 &&
         ((r & ~record::flags) < c.warp_floor || worker.synchronized_lanes(r));
}

template <bool shared>
bool readers_are_ordered(const Checker& c, Record r) {
  if (has_no_other_reader<shared>(c, r)) return true;
  if (!same_block(c, r)) return (r & record::blocks) == 0 && current_worker->has_acquired(r);
  if ((r & record::blocks) != 0) return false;
  if (r < c.interval_floor) return true;
  if ((r & record::warps) != 0 || ((r ^ c.stamp) & record::same_warp) != 0) return false;
  return (r & ~record::flags) < c.warp_floor ||
         ((r & record::lanes) == 0 && current_worker->synchronized_lanes(r));
}

// Checks a word, or a byte of one, for every kind of violation.
template <bool shared>
void check_cell(Checker& c, Cell& cell, const Attempt& attempt, std::uintptr_t address) {
  Worker& worker = *current_worker;
  const Record w = load(cell.writer), r = load(cell.reader);
  const bool set = (w & record::set) != 0 && !(shared && is_stale(c, w));
  const bool both_atomic = attempt.access == Access::atomic && (w & record::atomic) != 0;
  if (!set && !worker.is_in_use(attempt)) {
    worker.report_address(attempt);
  } else if (!set && attempt.access != Access::write) {
    worker.report_uninitialized(attempt, address);
  } else if (set && !both_atomic && !is_ordered<shared>(c, w) && !is_ordered_slowly(c, w)) {
    worker.report_race(attempt, address, w, (w & record::atomic) != 0 ? Access::atomic : Access::write);
  }
  if (attempt.access == Access::read) {
    return store(cell.reader, with_reader<shared>(c, r));
  }
  if (!readers_are_ordered<shared>(c, r)) worker.report_race(attempt, address, r, Access::read);
  store(cell.writer, c.stamp | record::set | (attempt.access == Access::atomic ? record::atomic : 0));
}

template <bool shared>
bool is_split(const Checker& c, const Cell& cell) {
  const Record w = load(cell.writer);
  return (w & record::parts) != 0 && !(shared && is_stale(c, w));
}

template <bool shared>
void check_word(Checker& c, const Shadow& shadow, const Attempt& attempt, std::uintptr_t address) {
  Cell& cell = shadow.word(address);
  if (!is_split<shared>(c, cell)) return check_cell<shared>(c, cell, attempt, address);
  for (std::uintptr_t byte = address; byte < address + word_bytes; ++byte)
    check_cell<shared>(c, shadow.byte(byte), attempt, byte);
  if (attempt.access == Access::write) {  // whole again: earlier accesses are ordered before this one
    store(cell.reader, 0);
    store(cell.writer, c.stamp | record::set);
  }
}

template <bool shared>
void check_byte(Checker& c, const Shadow& shadow, const Attempt& attempt, std::uintptr_t address) {
  Cell& cell = shadow.byte(address);
  const bool fine = attempt.access == Access::read    ? read_cell<shared>(c, cell)
                    : attempt.access == Access::write ? write_cell<shared>(c, cell)
                                                      : false;
  if (!fine) check_cell<shared>(c, cell, attempt, address);
}

template <bool shared>
void check_parts(Checker& c, const Shadow& shadow, const Attempt& attempt) {
  std::uintptr_t address = attempt.address;
  const std::uintptr_t end = std::min(address + attempt.bytes, shadow.memory.end);
  while (address < end) {
    if (address % word_bytes == 0 && end - address >= word_bytes) {
      check_word<shared>(c, shadow, attempt, address);
      address += word_bytes;
      continue;
    }
    Cell& cell = shadow.word(address);
    if (!is_split<shared>(c, cell)) {
      const bool stale = shared && is_stale(c, load(cell.writer));
      shadow.split(address, stale, shared ? c.block_floor : 0);
    }
    check_byte<shared>(c, shadow, attempt, address++);
  }
}

}  // namespace

void check_slowly(Checker& c, const Shadow& shadow, bool shared, const Attempt& attempt) {
  for (std::uintptr_t address = attempt.address; address < attempt.address + attempt.bytes;
       address += word_bytes)
    shared ? check_word<true>(c, shadow, attempt, address) : check_word<false>(c, shadow, attempt, address);
}

void check_unaligned(Checker& c, const Attempt& attempt, bool must_be_aligned) {
  if (must_be_aligned && attempt.address % std::min<std::size_t>(attempt.bytes, 8) != 0)
    current_worker->report_misaligned(attempt, attempt.bytes);
  if (c.device.holds(attempt.address)) return check_parts<false>(c, c.device, attempt);
  if (c.fixed.holds(attempt.address)) return check_parts<true>(c, c.fixed, attempt);
  if (c.dynamic.holds(attempt.address)) return check_parts<true>(c, c.dynamic, attempt);
  if (c.globals.holds(attempt.address)) return check_parts<false>(c, c.globals, attempt);
  check_outside(c, attempt);
}

void check_atomic(Checker& c, const Attempt& attempt) {
  if (c.stack.contains(attempt.address, attempt.bytes)) return;
  if (c.attention_bits() != 0) observe(c, attempt);
  check_unaligned(c, attempt, true);
}

void observe(Checker& c, const Attempt& attempt) {
  current_worker->stop_if_asked();
  if ((c.attention_bits() & attention::counted) != 0) current_worker->count(attempt);
}

void check_outside(Checker& c, const Attempt& attempt) {
  if (attempt.access == Access::read && c.image.contains(attempt.address, attempt.bytes)) return;
  current_worker->check_outside(attempt);
}

}  // namespace metron::emulator
