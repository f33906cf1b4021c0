// Runs a child process with additional environment variables.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace metron::tools {

struct ProcessResult {
  int status = 0;        // the exit status, or 128 plus the signal number as in shells
  int signal = 0;        // that terminated it; 0 if none
  int forwarded = 0;     // a termination request received meanwhile; 0 if none
  std::string reported;  // the data that the program sent to the descriptor named by `report_variable`
};

// Runs the program and waits. Meanwhile Ctrl-C is left to the program unless a handler is passed, and
// termination requests are forwarded to it. The variable `report_variable` contains the number of a socket
// for its reports. IoError if the program can't be started.
ProcessResult run_process(const std::vector<std::string>& command,
                          const std::vector<std::pair<std::string, std::string>>& variables,
                          const std::string& report_variable, void (*on_interrupt)(int) = nullptr);

}  // namespace metron::tools
