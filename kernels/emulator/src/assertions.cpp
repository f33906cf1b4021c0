// A failed assertion in a kernel ends the launch with a finding; one of the host ends the program as always.
#include <assert.h>
#include <dlfcn.h>

#include <cstdlib>
#include <string>

#include "summary.h"
#include "worker.h"

using namespace metron::emulator;

extern "C" void __assert_fail(const char* assertion, const char* file, unsigned line,
                              const char* function) noexcept(true) {
  if (!checker.is_active()) {
    summarize_now();
    using Handler = void (*)(const char*, const char*, unsigned, const char*);
    if (void* const next = dlsym(RTLD_NEXT, "__assert_fail"); next != nullptr)
      reinterpret_cast<Handler>(next)(assertion, file, line, function);
    std::abort();
  }
  current_worker->report({Check::trap,
                          0,
                          {file, static_cast<int>(line)},
                          "fails the assertion `" + std::string(assertion) + "`"});
  current_worker->abandon_block();
}
