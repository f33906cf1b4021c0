#include "info.h"

#include <metron/tools/environment.h>

#include <cstdio>

namespace metron::tools {

Command info_command(CommandLine& program) {
  Command command = program.add("info", "Shows the machine, devices, providers and versions.");
  const auto as_json = std::make_shared<bool>(false);
  command.flag("--json", *as_json, "as JSON");
  command.run = [as_json] {
    const Environment environment = collect_environment();
    const std::string text = *as_json ? to_json_text(environment) : to_text(environment);
    std::fputs(text.c_str(), stdout);
    return 0;
  };
  return command;
}

}  // namespace metron::tools
