// What a measurement was made on: machine, system, compiler, libraries, build. Read once, shown by `metron
// info` and written beside every report.
#pragma once

#include <metron/kernels/providers.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace metron::tools {

// Text is "unknown" and a number 0 where the system does not say.
struct Environment {
  struct Cpu {
    std::string model;
    int cores = 0;                 // physical
    int threads = 0;               // logical processors
    int usable = 0;                // those that this process may run on
    std::string isa;               // of the portable kernels in use
    std::string instruction_sets;  // those the processor has and kernels could use: "avx2 fma f16c"
  };
  struct Computes {  // a provider
    std::string name;
    std::string device;
    int slots = 0;  // kernel slots that it can serve
  };

  Cpu cpu;
  std::uint64_t memory_bytes = 0;
  std::vector<Accelerator> accelerators;
  std::string why_no_accelerator;  // where there is none
  std::string os;                  // "Debian GNU/Linux 12 (bookworm)"
  std::string kernel;              // "Linux 6.1.0 x86_64"
  std::string version;             // of Metron
  std::string commit;  // with "+" after it where the tree had changes; "unknown" outside of a repository
  std::string compiler;
  std::vector<std::pair<std::string, std::string>> build_options;
  std::vector<LibraryVersion> libraries;
  std::vector<Computes> providers;  // in order of preference
  int compute_threads = 0;
};

Environment collect_environment();
std::string to_text(const Environment& environment);  // lines of "name  value"
nlohmann::ordered_json to_json(const Environment& environment);
std::string to_json_text(const Environment& environment);  // as lines, indented by two

}  // namespace metron::tools
