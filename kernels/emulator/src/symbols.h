// Information from the program's own ELF files: names of kernels, their __shared__ variables, source lines.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "memory.h"

namespace metron::emulator {

// A thread-local variable of a module; those of kernel functions are their shared memory.
struct SharedVariable {
  std::uintptr_t offset;  // in the module's thread-local storage
  std::size_t bytes;
  std::string symbol;
  std::string name() const;  // as in the source
  bool is_of(const std::string& function_symbol) const;
};

struct GlobalVariable {  // a __device__ variable
  Range range;
  std::string name;
};

// An executable or shared library.
class Module {
 public:
  explicit Module(const std::string& path, std::uintptr_t load_address);

  std::string symbol_of(std::uintptr_t code) const;    // mangled; empty if unknown
  std::uintptr_t begin_of(std::uintptr_t code) const;  // of the function; 0 if unknown
  const SharedVariable* variable_at(std::uintptr_t offset) const;
  std::size_t static_shared_of(const std::string& function_symbol) const;
  const std::vector<SharedVariable>& variables() const { return variables_; }
  Range constants() const { return constants_; }  // the section of __constant__ variables
  Range globals() const { return globals_; }      // the section of __device__ variables
  const GlobalVariable* global_at(std::uintptr_t address) const;
  std::size_t local_storage_bytes() const { return local_storage_bytes_; }
  std::uintptr_t load_address() const { return load_address_; }
  const std::string& path() const { return path_; }

  // Address of the module's thread-local storage on this OS thread; 0 if there is none.
  std::uintptr_t local_storage() const;

  static const Module* of(const void* code);  // null if no module contains it; cached forever

 private:
  struct Function {
    std::uintptr_t end;
    std::string symbol;
  };
  std::string path_;
  std::uintptr_t load_address_;
  std::map<std::uintptr_t, Function> functions_;  // by begin
  std::vector<SharedVariable> variables_;         // by offset
  Range constants_, globals_;
  std::map<std::uintptr_t, GlobalVariable> global_variables_;  // by begin
  std::size_t local_storage_bytes_ = 0;
};

// The read-only section of a module around an address: string literals, constexpr tables. Empty if there is
// none.
Range read_only_image(std::uintptr_t address);

std::string readable_name(
    const std::string& symbol);  // without return type, arguments and unnamed namespaces

std::string tidy_path(const std::string& file);  // relative to the project's root if below it

struct SourceLine {
  std::string file;
  int line = 0;
};
// For the call that returns to `code`: the innermost line in a kernel, as opposed to the emulator or the
// standard library.
SourceLine source_line(std::uintptr_t code);

}  // namespace metron::emulator
