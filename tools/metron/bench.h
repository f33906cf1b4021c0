#pragma once

#include "command.h"

namespace metron::tools {

// `metron bench`: every provider of a device on the same calls, verified and timed side by side.
Command bench_command(CommandLine& program);

}  // namespace metron::tools
