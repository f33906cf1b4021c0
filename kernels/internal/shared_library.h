// A shared library that may be missing at run time: opened by name, its functions looked up by name. An
// emulated device has fakes in place of libraries, in kernels/fakes/.
#pragma once

#include <metron/kernels/providers.h>

#include <cstddef>
#include <string>

namespace metron {

class SharedLibrary {
 public:
  // If it can't be opened, or lacks a function that is looked up, error() says so.
  explicit SharedLibrary(const char* name);

  const std::string& error() const { return error_; }  // the first; empty if there was none
  // Whether what is opened are fakes.
  static bool are_fakes();

  // Sets `function` to that of the name: lookup(create, "cublasCreate_v2").
  template <typename Function>
  void lookup(Function*& function, const char* name) {
    function = reinterpret_cast<Function*>(address(name));
  }

 private:
  void* address(const char* name);

  void* handle_ = nullptr;  // never closed: its functions are used until the process ends
  std::string error_;
};

// Looks a function up by its name in the header, which must give it the pointer's type. The operand of sizeof
// is not evaluated: nothing refers to the function itself.
#define METRON_LOOKUP(library, pointer, function)                          \
  (static_cast<void>(sizeof(static_cast<decltype(pointer)>(&(function)))), \
   (library).lookup(pointer, #function))

// The functions of a vendor's libraries, looked up once, and what reports say of them.
template <typename Functions>
struct Loaded {
  Functions functions{};
  std::string error;  // empty if all of them were found

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
