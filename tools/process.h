// A program run as a child, with variables of its own in its environment.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace metron::tools {

struct ProcessResult {
  int status = 0;        // the exit status, or 128 and the signal's number as shells say it
  int signal = 0;        // that ended it; 0 if none did
  int passed_on = 0;     // a request to terminate that came meanwhile; 0 if none did
  std::string reported;  // what the program sent to the descriptor that `report_variable` named
};

// Runs the program and waits. Meanwhile Ctrl-C is the program's affair, and this process's only where it
// gives a handler; a request to terminate is passed on to the program. The variable `report_variable` tells
// it the number of a socket to report to. IoError if it can't be started.
ProcessResult run_process(const std::vector<std::string>& command,
                          const std::vector<std::pair<std::string, std::string>>& variables,
                          const std::string& report_variable, void (*on_interrupt)(int) = nullptr);

}  // namespace metron::tools
