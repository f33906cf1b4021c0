#pragma once

#include "command.h"

namespace metron::tools {

// `metron info`: machine, devices, providers, and versions of this build's dependencies.
Command info_command(CommandLine& program);

}  // namespace metron::tools
