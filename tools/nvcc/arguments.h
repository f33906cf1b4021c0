// nvcc's command line, as far as it means something here.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace metron::nvcc {

struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Arguments {
  std::vector<std::string> inputs;
  std::string output;    // empty: nvcc's default
  std::string language;  // of -x: "cu", "c++", "c"; empty: by the file's extension
  std::string compiler;  // of -ccbin; empty: the one that built the emulator
  std::string standard = "20";
  int architecture = 900;
  bool compile_only = false;  // -c, -dc
  bool preprocess_only = false;
  bool shared = false;
  bool verbose = false, dry_run = false, help = false, version = false, run = false;
  std::vector<std::string> preprocessor;  // -I, -D, -U, -isystem, -include, -M...
  std::vector<std::string> host;          // for the host compiler: -Xcompiler, -g, -w
  std::string optimization;               // of files without device code
  std::vector<std::string> linker;        // -L, -l, -Xlinker, in their order
};

Arguments parsed(const std::vector<std::string>& arguments);  // UsageError names what is wrong

const char* usage();

}  // namespace metron::nvcc
