// A shared library that may be missing at run time: opened by name, its functions looked up by name.
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

}  // namespace metron
