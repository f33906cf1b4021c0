#pragma once

#include <string>
#include <vector>

#include "command.h"

namespace metron::tools {

// `metron report`: the lab's experiment, reproduced and corrected, as a folder of text, tables and pictures.
// The report quotes the command line.
Command report_command(CommandLine& program, std::vector<std::string> command_line);

// Subprocess entry point of `metron report`; not for users.
Command report_pass_command(CommandLine& program);

}  // namespace metron::tools
