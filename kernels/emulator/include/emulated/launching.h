// Kernels that launch themselves: `metron nvcc` turns kernel<<<configuration>>>(arguments) into a call, whose
// conversions and default arguments the compiler does, and lets each kernel begin with launch_itself.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "runtime_api.h"

namespace metron::emulator {

// Whether a device thread runs, as opposed to the host. Constant for the compiler, as threadIdx is.
extern const __thread bool on_device __asm__("metron_emulator_on_device");

struct Pending {  // a launch whose kernel is about to be called
  cudaLaunchConfig_t config = {};
  void** arguments = nullptr;  // of cudaLaunchKernel: addresses, instead of the call's own arguments
  bool cooperative = false;
  unsigned threads_bound = 0;  // by __launch_bounds__; 0: none
};
void push(const Pending&);
Pending pop(const char* kernel);  // ends the program, with a message, if a kernel was called without <<<>>>
// The beginning of the function that contains the code.
const void* function_around(const void* code);
cudaError_t launch(const Pending&, const void* function, const void* bound, std::size_t bytes,
                   void (*invoke)(const void* bound));

inline void configure(dim3 grid, dim3 block, std::size_t shared = 0, cudaStream_t stream = nullptr) {
  push({.config = {grid, block, shared, stream, nullptr, 0}});
}

// The code address is that of the call, in the kernel itself.
template <class... Parameters>
inline __attribute__((always_inline)) void launch_itself(unsigned threads_bound, Parameters&... parameters);

// A parameter's type without qualifiers; std::remove_cv_t leaves __restrict__.
template <class T>
struct Unqualified {
  using type = std::remove_cv_t<T>;
};
template <class T>
struct Unqualified<T* __restrict__> {
  using type = T*;
};
template <class T>
struct Unqualified<T* const __restrict__> {
  using type = T*;
};
template <class T>
using unqualified = typename Unqualified<T>::type;

template <class... Parameters>
struct OwnLaunch {
  const void* function;
  std::tuple<unqualified<Parameters>...> arguments;
  static void invoke(const void* self) {
    const auto& bound = *static_cast<const OwnLaunch*>(self);
    const auto kernel = reinterpret_cast<void (*)(Parameters...)>(const_cast<void*>(bound.function));
    std::apply(kernel, bound.arguments);
  }
  template <std::size_t... i>
  static std::tuple<unqualified<Parameters>...> from(void** addresses, std::index_sequence<i...>) {
    return {*static_cast<unqualified<Parameters>*>(addresses[i])...};
  }
  static void start(const void* kernel, const Pending& pending, Parameters&... parameters) {
    static_assert((!std::is_reference_v<Parameters> && ...), "a kernel's parameters are values");
    static_assert((std::is_trivially_copy_constructible_v<unqualified<Parameters>> && ...),
                  "arguments are copied to the device as bytes");
    static_assert(alignof(OwnLaunch) <= argument_alignment);
    constexpr auto all = std::index_sequence_for<Parameters...>();
    const OwnLaunch bound{kernel, pending.arguments != nullptr
                                      ? from(pending.arguments, all)
                                      : std::tuple<unqualified<Parameters>...>{parameters...}};
    launch(pending, kernel, &bound, sizeof bound, invoke);
  }
};

const void* this_code();  // an address in the caller's code

template <class... Parameters>
void launch_itself(unsigned threads_bound, Parameters&... parameters) {
  const void* const function = function_around(this_code());
  Pending pending = pop(__builtin_FUNCTION());
  pending.threads_bound = threads_bound;
  OwnLaunch<Parameters...>::start(function, pending, parameters...);
}

cudaError_t call(const void* kernel, const Pending&);  // of cudaLaunchKernel and its relatives

}  // namespace metron::emulator

template <class Kernel>
cudaError_t cudaLaunchKernel(Kernel* kernel, dim3 grid, dim3 block, void** arguments, std::size_t shared = 0,
                             cudaStream_t stream = nullptr) {
  return metron::emulator::call(
      reinterpret_cast<const void*>(kernel),
      {.config = {grid, block, shared, stream, nullptr, 0}, .arguments = arguments});
}
template <class Kernel>
cudaError_t cudaLaunchCooperativeKernel(Kernel* kernel, dim3 grid, dim3 block, void** arguments,
                                        std::size_t shared = 0, cudaStream_t stream = nullptr) {
  return metron::emulator::call(
      reinterpret_cast<const void*>(kernel),
      {.config = {grid, block, shared, stream, nullptr, 0}, .arguments = arguments, .cooperative = true});
}
