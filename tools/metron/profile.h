#pragma once

#include "command.h"

namespace metron::tools {

// `metron profile [options] -- program arguments`: runs a program linked with Metron and profiles it.
Command profile_command(CommandLine& program);

}  // namespace metron::tools
