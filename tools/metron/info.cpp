#include "info.h"

#include <metron/tools/environment.h>

#include <cstdio>
#include <nlohmann/json.hpp>

namespace metron::tools {

Command info_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand("info", "Shows the machine, devices, providers and versions.");
  const auto as_json = std::make_shared<bool>(false);
  app->add_flag("--json", *as_json, "as JSON");
  return {app, [as_json] {
            const Environment environment = collect_environment();
            const std::string text = *as_json ? to_json(environment).dump(2) + '\n' : to_text(environment);
            std::fputs(text.c_str(), stdout);
            return 0;
          }};
}

}  // namespace metron::tools
