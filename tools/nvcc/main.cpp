// The program `metron-nvcc`, which `metron nvcc` and the CMake function metron_emulate run.
#include "driver.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments.front() == "--launcher")
    return metron::nvcc::launch({arguments.begin() + 1, arguments.end()});
  return metron::nvcc::run(arguments);
}
