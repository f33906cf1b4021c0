// Launches by kernels that `metron nvcc` has compiled.
#include "../include/emulated/launching.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "device.h"
#include "symbols.h"
#include "worker.h"

namespace metron::emulator {

namespace {

std::vector<Pending>& pending() {
  thread_local std::vector<Pending> launches;
  return launches;
}
thread_local cudaError_t last_result = cudaSuccess;

[[noreturn]] void end(const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "metron emulator: %s\n", message.c_str());
  std::exit(1);
}

}  // namespace

const void* this_code() { return __builtin_return_address(0); }

void push(const Pending& launch) {
  if (checker.is_active()) {
    current_worker->report({.check = Check::trap,
                            .code = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)),
                            .what = "launches a kernel: dynamic parallelism is not emulated"});
    current_worker->abandon_block();
  }
  pending().push_back(launch);
}

Pending pop(const char* kernel) {
  if (pending().empty())
    end("the kernel " + std::string(kernel) + " was called as a function: a launch needs <<<grid, block>>>");
  const Pending last = pending().back();
  pending().pop_back();
  return last;
}

const void* function_around(const void* code) {
  const Module* const module = Module::of(code);
  const std::uintptr_t begin =
      module == nullptr ? 0 : module->begin_of(reinterpret_cast<std::uintptr_t>(code));
  if (begin == 0) end("a kernel's symbol is missing: the program must not be stripped (-s)");
  return reinterpret_cast<const void*>(begin);
}

cudaError_t launch(const Pending& pending, const void* function, const void* bound, std::size_t bytes,
                   void (*invoke)(const void*)) {
  last_result = launch(pending.config, function, bound, bytes, invoke,
                       {.cooperative = pending.cooperative, .threads_bound = pending.threads_bound});
  return last_result;
}

// The kernel takes its arguments from the addresses, whatever is in its parameters.
cudaError_t call(const void* kernel, const Pending& launch) {
  if (kernel == nullptr) return remember(cudaErrorInvalidDeviceFunction);
  static void* none[1] = {};
  Pending with_addresses = launch;
  if (with_addresses.arguments == nullptr) with_addresses.arguments = none;
  push(with_addresses);
  reinterpret_cast<void (*)()>(const_cast<void*>(kernel))();
  return last_result;
}

}  // namespace metron::emulator
