// What -fsanitize=bounds-strict,alignment,integer-divide-by-zero calls when a kernel breaks a rule.
#include <cstdint>

extern "C" {
void __ubsan_handle_out_of_bounds(void*, std::uintptr_t) {}
void __ubsan_handle_out_of_bounds_abort(void*, std::uintptr_t) {}
void __ubsan_handle_type_mismatch_v1(void*, std::uintptr_t) {}
void __ubsan_handle_type_mismatch_v1_abort(void*, std::uintptr_t) {}
void __ubsan_handle_divrem_overflow(void*, std::uintptr_t, std::uintptr_t) {}
void __ubsan_handle_divrem_overflow_abort(void*, std::uintptr_t, std::uintptr_t) {}
}
