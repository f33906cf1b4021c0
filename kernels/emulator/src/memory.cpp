#include "memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>

#include "globals.h"
#include "shadow.h"

namespace metron::emulator {

namespace {

constexpr std::size_t page = 4096, commit_step = std::size_t{32} << 20;
constexpr std::size_t word_ratio = sizeof(Cell) / word_bytes, byte_ratio = sizeof(Cell);

const Shadow shadow = device_shadow(Memory::region_begin + Memory::region_bytes);

void reserve(std::uintptr_t begin, std::size_t bytes) {
  void* const fixed_address = reinterpret_cast<void*>(begin);
  if (mmap(fixed_address, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
           -1, 0) != fixed_address)
    throw std::runtime_error(
        "[emulator] this process cannot reserve addresses for the emulated device's memory");
}

bool commit(std::uintptr_t begin, std::size_t bytes) {
  void* const memory = reinterpret_cast<void*>(begin);
  if (mprotect(memory, bytes, PROT_READ | PROT_WRITE) != 0) return false;
  madvise(memory, bytes, MADV_HUGEPAGE);
  return true;
}

// Zeroes memory; whole pages of large ranges are returned to the system.
void zero(Range range) {
  const auto [begin, end] = range;
  constexpr std::size_t large = std::size_t{4} << 20;
  const std::uintptr_t first = (begin + page - 1) & ~(page - 1), last = end & ~(page - 1);
  const auto clear = [](std::uintptr_t from, std::uintptr_t to) {
    std::memset(reinterpret_cast<void*>(from), 0, to - from);
  };
  if (end - begin < large) return clear(begin, end);
  clear(begin, first);
  madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  clear(last, end);
}

}  // namespace

Memory::Memory() {
  reserve(region_begin, region_bytes);
  reserve(word_shadow_begin, region_bytes * word_ratio);
  reserve(byte_shadow_begin, region_bytes * byte_ratio);
}

Memory::~Memory() {
  munmap(reinterpret_cast<void*>(region_begin), region_bytes);
  munmap(reinterpret_cast<void*>(word_shadow_begin), region_bytes * word_ratio);
  munmap(reinterpret_cast<void*>(byte_shadow_begin), region_bytes * byte_ratio);
}

// Allocates round-robin: freed addresses are reused as late as possible.
void* Memory::allocate(std::size_t bytes, const void* code) {
  if (bytes > region_bytes / 2) return nullptr;
  const std::size_t span = (bytes + 2 * red_zone + alignment - 1) / alignment * alignment;
  std::uintptr_t begin = next_;
  for (bool wrapped = false;;) {
    if (begin + span > region_begin + region_bytes) {
      if (wrapped) return nullptr;
      wrapped = true;
      begin = region_begin;
    }
    auto overlapping = allocations_.lower_bound(begin + span);
    bool taken = false;
    while (overlapping != allocations_.begin()) {
      const auto before = std::prev(overlapping);
      const std::uintptr_t end = before->first + before->second.bytes + red_zone;
      if (end <= begin) break;
      if (!before->second.freed) {
        begin = (end + alignment - 1) / alignment * alignment;
        taken = true;
        break;
      }
      overlapping = allocations_.erase(before);
    }
    if (!taken) break;
  }
  next_ = begin + span;
  const std::uintptr_t pointer = begin + red_zone, end = pointer + bytes;
  while (committed_end_ < next_) {
    const std::uintptr_t to = std::min(committed_end_ + commit_step, region_begin + region_bytes);
    const std::size_t from = committed_end_ - region_begin, count = to - committed_end_;
    if (!commit(committed_end_, count) ||
        !commit(word_shadow_begin + from * word_ratio, count * word_ratio) ||
        !commit(byte_shadow_begin + from * byte_ratio, count * byte_ratio))
      return nullptr;
    committed_end_ = to;
  }
  allocations_[pointer] = {bytes, false, {}, reinterpret_cast<std::uintptr_t>(code)};
  used_ += bytes;
  mark_allocated({pointer, end});
  return reinterpret_cast<void*>(pointer);
}

bool Memory::release(void* pointer) {
  const auto found = allocations_.find(reinterpret_cast<std::uintptr_t>(pointer));
  if (found == allocations_.end() || found->second.freed) return false;
  found->second.freed = true;
  found->second.live.clear();
  used_ -= found->second.bytes;
  const Range all{found->first, found->first + found->second.bytes};
  zero(shadow.words_of(all));
  if (all.end - all.begin > page) zero(all);
  return true;
}

std::map<std::uintptr_t, Memory::Allocation>::const_iterator Memory::find(std::uintptr_t address) const {
  const auto after = allocations_.upper_bound(address + red_zone);
  if (after == allocations_.begin()) return allocations_.end();
  const auto found = std::prev(after);
  return address <= found->first + found->second.bytes + red_zone ? found : allocations_.end();
}

Range Memory::live_around(std::uintptr_t address) const {
  const auto after = allocations_.upper_bound(address);
  if (after == allocations_.begin()) return {};
  const auto& live = std::prev(after)->second.live;
  const auto part_after = live.upper_bound(address);
  if (part_after == live.begin()) return {};
  const auto part = std::prev(part_after);
  return address < part->second ? Range{part->first, part->second} : Range{};
}

void Memory::reset_records() {
  for (const auto& [begin, allocation] : allocations_)
    for (const auto& [from, to] : allocation.live)
      for (std::uintptr_t address = from & ~(word_bytes - 1); address < to; address += word_bytes) {
        Cell& cell = shadow.word(address);
        cell = {cell.writer & (record::set | record::parts), 0};
        if ((cell.writer & record::parts) == 0) continue;
        for (std::size_t i = 0; i < word_bytes; ++i) {
          Cell& part = shadow.parts(address)[i];
          part = {part.writer & record::set, 0};
        }
      }
  for (const auto& globals : globals_) globals->reset_records();
}

// New memory is filled with ones, a NaN in every floating-point format: uninitialized reads surface as NaN.
void Memory::mark_allocated(Range range) {
  mark_freed(range);
  const auto after = allocations_.upper_bound(range.begin);
  if (range.begin == range.end || after == allocations_.begin()) return;
  std::prev(after)->second.live[range.begin] = range.end;
  std::memset(reinterpret_cast<void*>(range.begin), 0xff, range.end - range.begin);
}

void Memory::mark_freed(Range range) {
  const auto after = allocations_.upper_bound(range.begin);
  if (range.begin == range.end || after == allocations_.begin()) return;
  auto& live = std::prev(after)->second.live;
  auto part = live.upper_bound(range.begin);
  if (part != live.begin()) --part;
  while (part != live.end() && part->first < range.end) {
    const Range old{part->first, part->second};
    if (old.end <= range.begin) {
      ++part;
      continue;
    }
    part = live.erase(part);
    if (old.begin < range.begin) live[old.begin] = range.begin;
    if (old.end > range.end) live[range.end] = old.end;
  }
  zero(shadow.words_of(range));
}

}  // namespace metron::emulator
