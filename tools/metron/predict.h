#pragma once

#include "command.h"

namespace metron::tools {

// `metron predict --gpu NAME`: bounds of a training step on a GPU, from its data sheet.
Command predict_command(CommandLine& program);

}  // namespace metron::tools
