// A command as a shell takes it.
#pragma once

#include <string>
#include <vector>

namespace metron::report {

// The command line that repeats a run: the variables, then the command, all quoted where they must be.
std::string shell_line(const std::vector<std::string>& variables, const std::vector<std::string>& command);

}  // namespace metron::report
