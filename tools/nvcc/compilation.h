// The steps of a build: the host compiler, with the emulator's headers and library.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace metron::nvcc {

using Command = std::vector<std::string>;

void append(Command& command, const Command& more);

struct Failure {  // already reported
  int status;
};

// A folder for temporary files that lasts as long as the object.
class Scratch {
 public:
  Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();
  std::filesystem::path file(const std::string& name);

 private:
  std::filesystem::path folder_;
  int number_ = 0;
};

// UsageError or Failure if a step fails.
class Compilation {
 public:
  Compilation(std::string compiler, bool verbose, bool dry_run);

  // CUDA C++ to an object file. `preprocessor` has the options of the first step, `host` those of both.
  void cuda(const std::string& input, const std::string& output, const Command& preprocessor,
            const Command& host, int architecture);
  void preprocess(const std::string& input, const std::string& output, const Command& options,
                  int architecture) const;
  void host_file(const std::string& input, const std::string& output, const Command& options) const;
  void link(const Command& objects, const std::string& output, const Command& options) const;
  // Output goes to the file, if one is named.
  void run(const Command& command, const std::string& output = {}) const;
  std::string temporary_object() { return scratch_.file("object.o").string(); }

 private:
  Command preprocessing(int architecture) const;
  void rewrite(const std::filesystem::path& from, const std::filesystem::path& to) const;

  std::string compiler_;
  bool verbose_, dry_run_;
  std::filesystem::path headers_, libraries_;  // the emulator's
  Scratch scratch_;
};

}  // namespace metron::nvcc
