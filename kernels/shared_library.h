// A shared library that may be missing at run time: opened by name, its functions looked up by name. An
// emulated device has doubles in place of libraries, in tests/doubles/.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>

namespace metron {

class SharedLibrary {
 public:
  // The first of these names that can be opened; what went wrong is in error().
  explicit SharedLibrary(std::initializer_list<const char*> names);

  // Whether it is open and every function asked for so far was found.
  bool is_complete() const { return handle_ != nullptr && error_.empty(); }
  const std::string& error() const { return error_; }
  // Whether what is opened are doubles.
  static bool are_doubles();

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

}  // namespace metron
