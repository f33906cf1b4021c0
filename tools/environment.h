// The environment of a measurement: machine, system, compiler, libraries, build. Read once, printed by
// `metron info` and stored with every report.
#pragma once

#include <metron/kernels/providers.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace metron::tools {

// Text is "unknown" and numbers are 0 if the system does not report them.
struct Environment {
  struct Cpu {
    std::string model;
    int cores = 0;                 // physical
    int threads = 0;               // logical processors
    int usable = 0;                // available to this process
    std::string isa;               // of the portable kernels in use
    std::string instruction_sets;  // supported by the processor and useful to kernels: "avx2 fma f16c"
  };
  struct ProviderInfo {
    std::string name;
    std::string device;
    int slots = 0;  // kernel slots it implements
  };

  Cpu cpu;
  std::uint64_t memory_bytes = 0;
  std::vector<Accelerator> accelerators;
  std::string why_no_accelerator;  // if there is none
  std::string os;                  // "Debian GNU/Linux 12 (bookworm)"
  std::string kernel;              // "Linux 6.1.0 x86_64"
  std::string version;             // of Metron
  std::string commit;              // with a trailing "+" for a modified tree; "unknown" outside a repository
  std::string compiler;
  std::vector<std::pair<std::string, std::string>> build_options;
  std::vector<LibraryVersion> libraries;
  std::vector<ProviderInfo> providers;  // in order of preference
  int compute_threads = 0;
};

Environment collect_environment();
std::string to_text(const Environment& environment);  // lines of "name  value"
nlohmann::ordered_json to_json(const Environment& environment);
std::string to_json_text(const Environment& environment);  // multi-line, indented by two

}  // namespace metron::tools
