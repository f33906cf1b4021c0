// Quoting for a shell.
#pragma once

#include <string>
#include <vector>

namespace metron::report {

// The command line that repeats a run: variables, then the command, quoted where necessary.
std::string shell_line(const std::vector<std::string>& variables, const std::vector<std::string>& command);

}  // namespace metron::report
