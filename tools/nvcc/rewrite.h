// CUDA C++ as C++ for the emulator: launches, kernels, and variables in the device's memories.
#pragma once

#include <string>
#include <vector>

namespace metron::nvcc {

struct Complaint {  // about what the emulator does not have
  std::string file;
  int line = 0;
  std::string message;
};

struct Rewritten {
  std::string text;  // of the same lines, with the line markers of the preprocessor
  std::vector<Complaint> complaints;
};

// Headers below `emulator_headers` are the emulator's own.
Rewritten rewritten(std::string preprocessed, const std::string& emulator_headers);

}  // namespace metron::nvcc
