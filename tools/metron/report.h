#pragma once

#include <string>
#include <vector>

#include "command.h"

namespace metron::tools {

// `metron report`: the lab's experiment, reproduced and corrected, as a folder of text, tables and pictures.
// The command line as it was given stands in the report.
Command report_command(CommandLine& program, std::vector<std::string> command_line);

// What `metron report` runs in processes of their own; not for people.
Command report_pass_command(CommandLine& program);

}  // namespace metron::tools
