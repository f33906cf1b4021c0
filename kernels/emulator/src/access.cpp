// What -fsanitize=thread makes of the loads and stores of kernels: every one is looked at before it happens.
#include "access.h"

#include "checker.h"

namespace metron::emulator {

constinit thread_local Checker checker;

namespace {

using Address = std::uintptr_t;

template <bool shared, Access access>
inline bool cell_is_fine(const Checker& c, Cell& cell) {
  return access == Access::read ? read_cell<shared>(c, cell) : write_cell<shared>(c, cell);
}

template <bool shared, Access access, unsigned bytes>
inline void check_words(Checker& c, const Shadow& shadow, Address address, void* code) {
  Cell* const cells = &shadow.word(address);
  bool fine = true;
  for (unsigned i = 0; i < bytes / word_bytes; ++i) fine &= cell_is_fine<shared, access>(c, cells[i]);
  if (!fine) [[unlikely]]
    check_slowly(c, shadow, shared, {access, address, bytes, code});
}

// Words, aligned to themselves; what is smaller or lies askew takes the slow way.
template <Access access, unsigned bytes>
[[gnu::always_inline]] inline void check(void* pointer, void* code) {
  Checker& c = checker;
  if (!c.active) return;
  const auto address = reinterpret_cast<Address>(pointer);
  if (c.stack.contains(address, bytes)) return;
  if (__atomic_load_n(&c.observed, __ATOMIC_RELAXED)) [[unlikely]]
    observe(c, {access, address, bytes, code});
  constexpr unsigned alignment = bytes < 8 ? bytes : 8;
  if (bytes < word_bytes || address % alignment != 0)
    return check_askew(c, {access, address, bytes, code}, true);
  if (c.device.holds(address)) return check_words<false, access, bytes>(c, c.device, address, code);
  if (c.fixed.holds(address)) return check_words<true, access, bytes>(c, c.fixed, address, code);
  if (c.dynamic.holds(address)) return check_words<true, access, bytes>(c, c.dynamic, address, code);
  check_outside(c, {access, address, bytes, code});
}

// Structures of any size, and members of packed ones: no alignment is asked of them here.
void check_range(Access access, void* pointer, std::size_t bytes, void* code) {
  Checker& c = checker;
  if (!c.active || bytes == 0) return;
  const auto address = reinterpret_cast<Address>(pointer);
  if (c.stack.contains(address, bytes)) return;
  const Attempt whole{access, address, bytes, code};
  if (__atomic_load_n(&c.observed, __ATOMIC_RELAXED)) observe(c, whole);
  check_askew(c, whole, false);
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

void __tsan_unaligned_read2(void* p) { check_range(Access::read, p, 2, __builtin_return_address(0)); }
void __tsan_unaligned_read4(void* p) { check_range(Access::read, p, 4, __builtin_return_address(0)); }
void __tsan_unaligned_read8(void* p) { check_range(Access::read, p, 8, __builtin_return_address(0)); }
void __tsan_unaligned_read16(void* p) { check_range(Access::read, p, 16, __builtin_return_address(0)); }
void __tsan_unaligned_write2(void* p) { check_range(Access::write, p, 2, __builtin_return_address(0)); }
void __tsan_unaligned_write4(void* p) { check_range(Access::write, p, 4, __builtin_return_address(0)); }
void __tsan_unaligned_write8(void* p) { check_range(Access::write, p, 8, __builtin_return_address(0)); }
void __tsan_unaligned_write16(void* p) { check_range(Access::write, p, 16, __builtin_return_address(0)); }
void __tsan_read_range(void* p, std::size_t bytes) {
  check_range(Access::read, p, bytes, __builtin_return_address(0));
}
void __tsan_write_range(void* p, std::size_t bytes) {
  check_range(Access::write, p, bytes, __builtin_return_address(0));
}
}
