// A subcommand of `metron`: one file each, listed in main.cpp.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace metron::tools {

struct Command {
  CLI::App* app = nullptr;   // its name and options, added to the program's
  std::function<int()> run;  // after its options were read; returns the exit status
};

}  // namespace metron::tools
