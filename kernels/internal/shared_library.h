// An optional shared library, opened at run time, with functions looked up by name. On an emulated device,
// fakes take the place of the libraries (kernels/fakes/).
#pragma once

#include <metron/kernels/providers.h>

#include <cstddef>
#include <string>

namespace metron {

class SharedLibrary {
 public:
  // If the library or one of the functions is missing, error() says so.
  explicit SharedLibrary(const char* name);

  const std::string& error() const { return error_; }  // the first error; empty if there was none
  // Whether the library is a fake.
  static bool are_fakes();

  // Sets `function` to the symbol of that name: lookup(create, "cublasCreate_v2").
  template <typename Function>
  void lookup(Function*& function, const char* name) {
    function = reinterpret_cast<Function*>(address(name));
  }

 private:
  void* address(const char* name);

  void* handle_ = nullptr;  // never closed: its functions are used until the process exits
  std::string error_;
};

// Looks a function up by its declared name and checks the pointer's type against the declaration. The operand
// of sizeof is unevaluated, so the program does not link against the function.
#define METRON_LOOKUP(library, pointer, function)                          \
  (static_cast<void>(sizeof(static_cast<decltype(pointer)>(&(function)))), \
   (library).lookup(pointer, #function))

// The functions of a vendor library, looked up once, and its status for reports.
template <typename Functions>
struct Loaded {
  Functions functions{};
  std::string error;  // empty if all were found

  const Functions* usable() const { return error.empty() ? &functions : nullptr; }
  LibraryVersion version(std::string name) const {
    if (SharedLibrary::are_fakes()) name += " (fake)";
    if (!error.empty()) return {name, "missing: " + error};
    const std::size_t number = functions.version();  // 91900 is 9.19.0
    return {name, std::to_string(number / 10000) + '.' + std::to_string(number / 100 % 100) + '.' +
                      std::to_string(number % 100)};
  }
};

}  // namespace metron
