#pragma once

#include "command.h"

namespace metron::tools {

// `metron graph`: the reference CNN, or the autograd graph of its training step, as PNG, SVG and DOT.
Command graph_command(CommandLine& program);

}  // namespace metron::tools
