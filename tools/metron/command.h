// A subcommand of `metron`: one file each, listed in main.cpp.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace metron::tools {

struct Command {
  CLI::App* app = nullptr;   // its name and options, added to the program's
  std::function<int()> run;  // after its options were read; returns the exit status
};

// A check of an option: a whole number that is not negative.
CLI::Validator whole_number();
// And a finite number above 0.
CLI::Validator positive_number();

}  // namespace metron::tools
