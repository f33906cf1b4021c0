#include "compilation.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "arguments.h"
#include "rewrite.h"

extern char** environ;

namespace metron::nvcc {

namespace fs = std::filesystem;

namespace {

std::string quoted(const std::string& word) {
  if (!word.empty() && word.find_first_of(" \t\n\"'\\$`()<>|&;*?#!~") == std::string::npos) return word;
  std::string result = "'";
  for (const char c : word) result += c == '\'' ? "'\\''" : std::string(1, c);
  return result + "'";
}

// As tools/cmake/MetronEmulator.cmake compiles Metron's own kernels. Paths in findings are relative to the
// current folder.
Command kernel_options() {
  return {"-O1",
          "-g1",
          "-fno-sanitize=all",
          "-fsanitize=thread",
          "--param=tsan-instrument-func-entry-exit=0",
          "-fsanitize=bounds-strict,alignment,integer-divide-by-zero",
          "-fsanitize-recover=all",
          "-fno-tree-sra",
          "-fno-ipa-icf",
          "-ftls-model=initial-exec",
          "-fno-math-errno",
          "-fno-strict-aliasing",
          "-Wno-narrowing",
          "-Wno-unknown-pragmas",
          "-Wno-attributes",
          "-ffile-prefix-map=" + fs::current_path().string() + "=."};
}

}  // namespace

void append(Command& command, const Command& more) {
  command.insert(command.end(), more.begin(), more.end());
}

Scratch::Scratch() {
  std::string name = (fs::temp_directory_path() / "metron-nvcc-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw UsageError("no folder can be made for temporary files: " + name);
  folder_ = name;
}

Scratch::~Scratch() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

fs::path Scratch::file(const std::string& name) { return folder_ / (std::to_string(number_++) + "-" + name); }

// The headers and the library are found from this program, in the build folder and after installation.
Compilation::Compilation(std::string compiler, bool verbose, bool dry_run)
    : compiler_(std::move(compiler)), verbose_(verbose), dry_run_(dry_run) {
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path();
  headers_ = (program / METRON_EMULATOR_HEADERS).lexically_normal();
  libraries_ = (program / METRON_EMULATOR_LIBRARIES).lexically_normal();
  if (!fs::exists(headers_ / "cuda_runtime.h"))
    throw UsageError("the emulator's headers are missing in " + headers_.string());
}

// With headers that say what the emulator does not have, before those of an installed toolkit.
Command Compilation::preprocessing(int architecture) const {
  const std::string headers = "-I" + headers_.string();
  Command command{compiler_, "-E", "-x", "c++", headers, headers + "/missing", "-include", "cuda_runtime.h"};
  for (const char* macro :
       {"METRON_NVCC", "__CUDACC__", "__NVCC__", "__CUDACC_VER_MAJOR__=13", "__CUDACC_VER_MINOR__=0",
        "__CUDACC_RELAXED_CONSTEXPR__", "__CUDACC_EXTENDED_LAMBDA__"})
    command.push_back(std::string("-D") + macro);
  command.push_back("-D__CUDA_ARCH__=" + std::to_string(architecture));
  return command;
}

void Compilation::cuda(const std::string& input, const std::string& output, const Command& preprocessor,
                       const Command& host, int architecture) {
  const fs::path preprocessed = scratch_.file("preprocessed.ii"), translated = scratch_.file("translated.ii");
  Command first = preprocessing(architecture);
  append(first, preprocessor);
  append(first, host);
  first.push_back(input);
  run(first, preprocessed);  // not by -o, which would name the dependency file of -MD
  if (!dry_run_) rewrite(preprocessed, translated);
  Command second{compiler_, "-x", "c++", "-fpreprocessed"};
  append(second, host);
  append(second, kernel_options());
  append(second, {"-c", translated.string(), "-o", output});
  run(second);
}

void Compilation::preprocess(const std::string& input, const std::string& output, const Command& options,
                             int architecture) const {
  Command command = preprocessing(architecture);
  append(command, options);
  command.push_back(input);
  run(command, output);
}

void Compilation::host_file(const std::string& input, const std::string& output,
                            const Command& options) const {
  Command command{compiler_, "-I" + headers_.string()};
  append(command, options);
  append(command, {"-c", input, "-o", output});
  run(command);
}

void Compilation::link(const Command& objects, const std::string& output, const Command& options) const {
  Command command{compiler_};
  append(command, objects);
  append(command, options);
  append(command, {"-L" + libraries_.string(), "-lmetron_emulator", "-lboost_context", "-lpthread", "-ldl",
                   "-o", output});
  run(command);
}

void Compilation::run(const Command& command, const std::string& output) const {
  if (verbose_ || dry_run_) {
    std::string line;
    for (const std::string& word : command) line += (line.empty() ? "" : " ") + quoted(word);
    if (!output.empty()) line += " >" + quoted(output);
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  if (dry_run_) return;
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  if (!output.empty())
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                     0666);
  pid_t child = 0;
  const int error = posix_spawnp(&child, words[0], &files, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw UsageError(command[0] + " cannot be run: " + std::strerror(error));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (code != 0) throw Failure{code};
}

void Compilation::rewrite(const fs::path& from, const fs::path& to) const {
  std::ifstream in(from, std::ios::binary);
  const Rewritten result = rewritten({std::istreambuf_iterator<char>(in), {}}, headers_.string());
  for (const auto& [file, line, message] : result.complaints)
    std::fprintf(stderr, "%s:%d: error: %s\n", file.c_str(), line, message.c_str());
  if (!result.complaints.empty()) throw Failure{1};
  std::ofstream out(to, std::ios::binary);
  if (!(out << result.text).flush()) throw UsageError("cannot write " + to.string());
}

}  // namespace metron::nvcc
