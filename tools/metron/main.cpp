// The `metron` command line. Invalid input of any kind yields one message and exit status 2.
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
#include "predict.h"
#include "profile.h"
#include "report.h"

#if defined(METRON_HAVE_NVCC)
#include <metron/tools/nvcc/driver.h>
#endif

using namespace metron::tools;

int main(int argc, char** argv) {
#if defined(METRON_HAVE_NVCC)
  // Its options are those of nvcc, which CLI11 does not parse.
  if (argc > 1 && std::strcmp(argv[1], "nvcc") == 0) return metron::nvcc::run({argv + 2, argv + argc});
#endif
  CommandLine program("metron", "Metron: a deep-learning framework that knows where its time goes.",
                      METRON_VERSION);
  std::vector<Command> commands;
  commands.push_back(info_command(program));
  commands.push_back(profile_command(program));
#if defined(METRON_HAVE_GRAPH)
  commands.push_back(graph_command(program));
  commands.push_back(report_command(program, {argv, argv + argc}));
  commands.push_back(report_pass_command(program));
#endif
  commands.push_back(predict_command(program));
  commands.push_back(bench_command(program));
#if defined(METRON_HAVE_NVCC)
  program.add("nvcc", "Build CUDA C++ for the emulator, with nvcc's options: metron nvcc -o app app.cu");
#endif
  if (const std::optional<int> status = program.parse(argc, argv)) return *status;
  try {
    for (const Command& command : commands) {
      if (!command.was_given()) continue;
      const int status = command.run();
      if (std::fflush(stdout) == 0) return status;
      metron::fail<metron::IoError>("output", "the output can't be written: ", std::strerror(errno));
    }
    std::cerr << "A subcommand is required.\nRun with --help for more information.\n";
  } catch (const std::exception& error) {
    std::cout.flush();
    std::cerr << "metron: " << error.what() << '\n';
  }
  return 2;
}
