// `metron nvcc`: compiles and links by the host compiler, with the emulator's headers and library.
#pragma once

#include <string>
#include <vector>

namespace metron::nvcc {

// Returns the exit status. Errors are printed as compilers do.
int run(const std::vector<std::string>& arguments);

// As a compiler launcher of CMake: `command` is the host compiler's for one file, which is CUDA C++.
int launch(const std::vector<std::string>& command);

}  // namespace metron::nvcc
