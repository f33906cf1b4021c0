// Runs a shell command the way a user would.
#pragma once

#include <string>

namespace metron::test {

struct Output {
  int code = -1;     // the exit status, or 128 plus the number of the terminating signal
  std::string text;  // stdout and stderr
};

Output run_command(const std::string& command_line);

}  // namespace metron::test
