// Hooks of -fsanitize=thread for the loads and stores of kernels, called before each access.
#include "access.h"

#include "checker.h"

namespace metron::emulator {

constinit thread_local Checker checker;

namespace {

using Address = std::uintptr_t;

// Written before the last barrier or launch: the common case, tested without branches.
template <bool shared>
[[gnu::always_inline]] inline bool is_settled(const Checker& c, Record w) {
  return ((w & record::set) != 0) & (is_before_barrier(c, w) | (!shared & (w < c.launch_floor)));
}

// Several cells at once: all written before the last barrier or launch, with the same readers so far, as is
// common for vectors. False means that each cell has to be checked separately.
template <bool shared, unsigned count>
[[gnu::always_inline]] inline bool read_alike(const Checker& c, Cell* cells) {
  const Record r = load(cells[0].reader);
  Record difference = 0;
  bool fine = true;
#pragma GCC unroll 4
  for (unsigned i = 0; i < count; ++i) {
    fine &= is_settled<shared>(c, load(cells[i].writer));
    difference |= load(cells[i].reader) ^ r;
  }
  if (!fine || difference != 0) return false;
  const Record next = with_reader<shared>(c, r);
  if (next != r)
    for (unsigned i = 0; i < count; ++i) store(cells[i].reader, next);
  return true;
}

template <bool shared, unsigned count>
[[gnu::always_inline]] inline bool write_alike(const Checker& c, Cell* cells) {
  bool fine = true;
#pragma GCC unroll 4
  for (unsigned i = 0; i < count; ++i)
    fine &=
        is_settled<shared>(c, load(cells[i].writer)) & !has_recent_readers<shared>(c, load(cells[i].reader));
  if (!fine) return false;
  for (unsigned i = 0; i < count; ++i) store(cells[i].writer, c.stamp | record::set);
  return true;
}

template <bool shared, Access access, unsigned bytes>
[[gnu::noinline]] void check_each(Checker& c, const Shadow& shadow, Address address, void* code) {
  Cell* const cells = &shadow.word(address);
  bool fine = true;
  for (unsigned i = 0; i < bytes / word_bytes; ++i)
    fine &= access == Access::read ? read_cell<shared>(c, cells[i]) : write_cell<shared>(c, cells[i]);
  if (!fine) check_slowly(c, shadow, shared, {access, address, bytes, code});
}

template <bool shared, Access access, unsigned bytes>
[[gnu::always_inline]] inline void check_words(Checker& c, const Shadow& shadow, Address address,
                                               void* code) {
  constexpr unsigned count = bytes / word_bytes;
  Cell* const cells = &shadow.word(address);
  const bool fine =
      access == Access::read ? read_alike<shared, count>(c, cells) : write_alike<shared, count>(c, cells);
  if (!fine) [[unlikely]]
    check_each<shared, access, bytes>(c, shadow, address, code);
}

// Everything except whole words of shared or device memory on an uncounted thread.
template <Access access, unsigned bytes>
[[gnu::noinline]] void check_elsewhere(Checker& c, Address address, void* code) {
  const Attempt attempt{access, address, bytes, code};
  if (!c.is_active() || c.stack.contains(address, bytes)) return;
  if (c.attention_bits() != 0) observe(c, attempt);
  check_unaligned(c, attempt, true);
}

// Aligned words; smaller or unaligned accesses take the slow path.
template <Access access, unsigned bytes>
[[gnu::always_inline]] inline void check(void* pointer, void* code) {
  Checker& c = checker;
  const auto address = reinterpret_cast<Address>(pointer);
  constexpr unsigned alignment = bytes < 8 ? bytes : 8;
  if (bytes >= word_bytes && c.attention_bits() == 0 && address % alignment == 0) [[likely]] {
    if (c.device.holds(address)) return check_words<false, access, bytes>(c, c.device, address, code);
    if (c.fixed.holds(address)) return check_words<true, access, bytes>(c, c.fixed, address, code);
    if (c.dynamic.holds(address)) return check_words<true, access, bytes>(c, c.dynamic, address, code);
  }
  check_elsewhere<access, bytes>(c, address, code);
}

// Structures of any size, and those with less than natural alignment: no alignment is required here.
void check_range(Access access, void* pointer, std::size_t bytes, void* code, unsigned widest = 16) {
  Checker& c = checker;
  const auto address = reinterpret_cast<Address>(pointer);
  if (!c.is_active() || bytes == 0 || c.stack.contains(address, bytes)) return;
  const Attempt whole{access, address, bytes, code, widest};
  if (c.attention_bits() != 0) observe(c, whole);
  check_unaligned(c, whole, false);
}

}  // namespace
}  // namespace metron::emulator

using metron::emulator::Access;
using metron::emulator::check;
using metron::emulator::check_range;

extern "C" {
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

void __tsan_read1(void* p) { check<Access::read, 1>(p, __builtin_return_address(0)); }
void __tsan_read2(void* p) { check<Access::read, 2>(p, __builtin_return_address(0)); }
void __tsan_read4(void* p) { check<Access::read, 4>(p, __builtin_return_address(0)); }
void __tsan_read8(void* p) { check<Access::read, 8>(p, __builtin_return_address(0)); }
void __tsan_read16(void* p) { check<Access::read, 16>(p, __builtin_return_address(0)); }
void __tsan_write1(void* p) { check<Access::write, 1>(p, __builtin_return_address(0)); }
void __tsan_write2(void* p) { check<Access::write, 2>(p, __builtin_return_address(0)); }
void __tsan_write4(void* p) { check<Access::write, 4>(p, __builtin_return_address(0)); }
void __tsan_write8(void* p) { check<Access::write, 8>(p, __builtin_return_address(0)); }
void __tsan_write16(void* p) { check<Access::write, 16>(p, __builtin_return_address(0)); }

void __tsan_unaligned_read2(void* p) { check_range(Access::read, p, 2, __builtin_return_address(0), 1); }
void __tsan_unaligned_read4(void* p) { check_range(Access::read, p, 4, __builtin_return_address(0), 2); }
void __tsan_unaligned_read8(void* p) { check_range(Access::read, p, 8, __builtin_return_address(0), 4); }
void __tsan_unaligned_read16(void* p) { check_range(Access::read, p, 16, __builtin_return_address(0), 4); }
void __tsan_unaligned_write2(void* p) { check_range(Access::write, p, 2, __builtin_return_address(0), 1); }
void __tsan_unaligned_write4(void* p) { check_range(Access::write, p, 4, __builtin_return_address(0), 2); }
void __tsan_unaligned_write8(void* p) { check_range(Access::write, p, 8, __builtin_return_address(0), 4); }
void __tsan_unaligned_write16(void* p) { check_range(Access::write, p, 16, __builtin_return_address(0), 4); }
void __tsan_read_range(void* p, std::size_t bytes) {
  check_range(Access::read, p, bytes, __builtin_return_address(0));
}
void __tsan_write_range(void* p, std::size_t bytes) {
  check_range(Access::write, p, bytes, __builtin_return_address(0));
}
}
