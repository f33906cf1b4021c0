// Hooks of -fsanitize=thread for C++ atomics in the host code of kernel files (a reference count, say): the
// plain operations, always sequentially consistent.
#include <cstdint>

// The hook names contain the operand width, hence a macro for each of the four.
#define METRON_ATOMIC_HOOKS(bits)                                                                            \
  std::uint##bits##_t __tsan_atomic##bits##_load(const volatile std::uint##bits##_t* a, int) {               \
    return __atomic_load_n(a, __ATOMIC_SEQ_CST);                                                             \
  }                                                                                                          \
  void __tsan_atomic##bits##_store(volatile std::uint##bits##_t* a, std::uint##bits##_t v, int) {            \
    __atomic_store_n(a, v, __ATOMIC_SEQ_CST);                                                                \
  }                                                                                                          \
  std::uint##bits##_t __tsan_atomic##bits##_exchange(volatile std::uint##bits##_t* a, std::uint##bits##_t v, \
                                                     int) {                                                  \
    return __atomic_exchange_n(a, v, __ATOMIC_SEQ_CST);                                                      \
  }                                                                                                          \
  std::uint##bits##_t __tsan_atomic##bits##_fetch_add(volatile std::uint##bits##_t* a,                       \
                                                      std::uint##bits##_t v, int) {                          \
    return __atomic_fetch_add(a, v, __ATOMIC_SEQ_CST);                                                       \
  }                                                                                                          \
  std::uint##bits##_t __tsan_atomic##bits##_fetch_sub(volatile std::uint##bits##_t* a,                       \
                                                      std::uint##bits##_t v, int) {                          \
    return __atomic_fetch_sub(a, v, __ATOMIC_SEQ_CST);                                                       \
  }                                                                                                          \
  std::uint##bits##_t __tsan_atomic##bits##_fetch_and(volatile std::uint##bits##_t* a,                       \
                                                      std::uint##bits##_t v, int) {                          \
    return __atomic_fetch_and(a, v, __ATOMIC_SEQ_CST);                                                       \
  }                                                                                                          \
  std::uint##bits##_t __tsan_atomic##bits##_fetch_or(volatile std::uint##bits##_t* a, std::uint##bits##_t v, \
                                                     int) {                                                  \
    return __atomic_fetch_or(a, v, __ATOMIC_SEQ_CST);                                                        \
  }                                                                                                          \
  std::uint##bits##_t __tsan_atomic##bits##_fetch_xor(volatile std::uint##bits##_t* a,                       \
                                                      std::uint##bits##_t v, int) {                          \
    return __atomic_fetch_xor(a, v, __ATOMIC_SEQ_CST);                                                       \
  }                                                                                                          \
  int __tsan_atomic##bits##_compare_exchange_strong(                                                         \
      volatile std::uint##bits##_t* a, std::uint##bits##_t* expected, std::uint##bits##_t v, int, int) {     \
    return __atomic_compare_exchange_n(a, expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);           \
  }                                                                                                          \
  int __tsan_atomic##bits##_compare_exchange_weak(                                                           \
      volatile std::uint##bits##_t* a, std::uint##bits##_t* expected, std::uint##bits##_t v, int, int) {     \
    return __atomic_compare_exchange_n(a, expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);           \
  }

extern "C" {
METRON_ATOMIC_HOOKS(8)
METRON_ATOMIC_HOOKS(16)
METRON_ATOMIC_HOOKS(32)
METRON_ATOMIC_HOOKS(64)
void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void __tsan_atomic_signal_fence(int) {}
}
