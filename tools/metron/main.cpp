// The `metron` command line. Exit status 2, with one message, for bad input of any kind.
#include <metron/core/error.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <vector>

#include "bench.h"
#include "command.h"
#include "graph.h"
#include "info.h"
#include "profile.h"
#include "report.h"

using namespace metron::tools;

int main(int argc, char** argv) {
  CLI::App program("Metron: a deep-learning framework that knows where its time goes.", "metron");
  program.set_version_flag("--version", METRON_VERSION);
  std::vector<Command> commands;
  commands.push_back(info_command(program));
  commands.push_back(profile_command(program));
#if defined(METRON_HAVE_GRAPH)
  commands.push_back(graph_command(program));
  commands.push_back(report_command(program, {argv, argv + argc}));
  commands.push_back(report_pass_command(program));
#endif
  commands.push_back(bench_command(program));
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  }
  try {
    for (const Command& command : commands) {
      if (!command.app->parsed()) continue;
      const int status = command.run();
      if (std::fflush(stdout) == 0) return status;
      metron::fail<metron::IoError>("output", "the output can't be written: ", std::strerror(errno));
    }
    std::cerr << "A subcommand is wanted.\nRun with --help for more information.\n";
  } catch (const std::exception& error) {
    std::cout.flush();
    std::cerr << "metron: " << error.what() << '\n';
  }
  return 2;
}
