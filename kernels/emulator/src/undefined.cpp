// Handlers of -fsanitize=bounds-strict,alignment,integer-divide-by-zero in kernels. The structures are those
// emitted by the compiler: see GCC's libsanitizer/ubsan/ubsan_handlers.h.
#include <dlfcn.h>

#include <cstdint>
#include <string>

#include "worker.h"

namespace metron::emulator {

namespace {

struct SourceLocation {
  const char* file;
  std::uint32_t line, column;
};
struct TypeDescriptor {
  std::uint16_t kind, info;  // kind 0: an integer, info its width and sign
  char name[1];
};
struct OutOfBounds {
  SourceLocation location;
  const TypeDescriptor* array;
  const TypeDescriptor* index;
};
struct TypeMismatch {
  SourceLocation location;
  const TypeDescriptor* type;
  std::uint8_t log_alignment, kind;
};
struct Overflow {
  SourceLocation location;
  const TypeDescriptor* type;
};

Site site_of(const SourceLocation& location) { return {location.file, static_cast<int>(location.line)}; }

// Integers of up to 64 bits are passed by value.
std::string text(const TypeDescriptor& type, std::uintptr_t value) {
  const int bits = type.kind == 0 ? 1 << (type.info >> 1) : 64;
  const bool is_signed = (type.info & 1) != 0;
  if (bits > 64) return "a wide number";
  const int unused = 64 - bits;
  return is_signed ? std::to_string(static_cast<std::int64_t>(value << unused) >> unused)
                   : std::to_string(value << unused >> unused);
}

// Host code in kernel files is left to the program's own sanitizer.
template <class... Arguments>
void pass_on(const char* handler, Arguments... arguments) {
  void* const next = dlsym(RTLD_NEXT, handler);
  if (next != nullptr) reinterpret_cast<void (*)(Arguments...)>(next)(arguments...);
}

void out_of_bounds(const char* handler, OutOfBounds* data, std::uintptr_t index) {
  if (!checker.is_active()) return pass_on(handler, data, index);
  const Unchecked runtime;
  current_worker->report(
      {Check::out_of_bounds, 0, site_of(data->location),
       "uses index " + text(*data->index, index) + " of an array of type " + data->array->name});
}

void type_mismatch(const char* handler, TypeMismatch* data, std::uintptr_t address) {
  if (!checker.is_active()) return pass_on(handler, data, address);
  const std::uintptr_t alignment = std::uintptr_t{1} << data->log_alignment;
  if (address == 0 || address % alignment == 0) return;  // a null pointer is reported by the access
  const Unchecked runtime;
  current_worker->report({Check::misaligned, 0, site_of(data->location),
                          "uses a " + std::string(data->type->name) + " at " +
                              current_worker->describe(address) +
                              ", where the address is not a multiple of " + std::to_string(alignment)});
}

void division(const char* handler, Overflow* data, std::uintptr_t left, std::uintptr_t right) {
  if (!checker.is_active()) return pass_on(handler, data, left, right);
  const Unchecked runtime;
  current_worker->report({Check::arithmetic, 0, site_of(data->location),
                          "divides " + text(*data->type, left) + " by " + text(*data->type, right)});
  current_worker->abandon_block();  // the host's processor would trap
}

}  // namespace
}  // namespace metron::emulator

using namespace metron::emulator;

extern "C" {
void __ubsan_handle_out_of_bounds(OutOfBounds* data, std::uintptr_t index) {
  out_of_bounds(__func__, data, index);
}
void __ubsan_handle_out_of_bounds_abort(OutOfBounds* data, std::uintptr_t index) {
  out_of_bounds(__func__, data, index);
}
void __ubsan_handle_type_mismatch_v1(TypeMismatch* data, std::uintptr_t address) {
  type_mismatch(__func__, data, address);
}
void __ubsan_handle_type_mismatch_v1_abort(TypeMismatch* data, std::uintptr_t address) {
  type_mismatch(__func__, data, address);
}
void __ubsan_handle_divrem_overflow(Overflow* data, std::uintptr_t left, std::uintptr_t right) {
  division(__func__, data, left, right);
}
void __ubsan_handle_divrem_overflow_abort(Overflow* data, std::uintptr_t left, std::uintptr_t right) {
  division(__func__, data, left, right);
}
}
