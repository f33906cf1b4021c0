#pragma once

#include "command.h"

namespace metron::tools {

// `metron info`: the machine, the devices and providers, the versions of what this build uses.
Command info_command(CommandLine& program);

}  // namespace metron::tools
