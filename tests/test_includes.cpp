// Dependencies between folders, checked on every include: core <- kernels <- layers <- tools, examples,
// tests. Within core, the profiler's views are the top layer. Public headers include only public headers.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "text_search.h"

namespace metron::test {
namespace {

namespace fs = std::filesystem;

const fs::path root = METRON_SOURCE_DIR;

// Keyed by path relative to the root: "core/slot.h".
using Sources = std::map<std::string, std::string>;

void add(Sources& sources, const fs::path& path) {
  const std::string name = path.lexically_relative(root).generic_string();
  sources[name] = source_text(name);
}

Sources read_sources() {
  const std::set<std::string> suffixes{".h", ".cpp", ".cu", ".cuh", ".def", ".in"};
  Sources sources;
  for (const char* folder : {"core", "kernels", "layers", "tools", "examples", "tests"}) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / folder)) {
      const fs::path& path = entry.path();
      if (entry.is_regular_file() && suffixes.contains(path.extension())) add(sources, path);
    }
  }
  return sources;
}

// The folders whose headers are installed, as listed by the install script.
std::set<std::string> public_folders() {
  const std::vector<std::string> lists =
      matches(source_text("tools/cmake/MetronInstall.cmake"), R"(set\(METRON_PUBLIC_FOLDERS\s+([^)]*)\))");
  EXPECT_EQ(lists.size(), 1u);
  const std::vector<std::string> folders = matches(lists.empty() ? "" : lists[0], R"([^\s]+)");
  return {folders.begin(), folders.end()};
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string top_folder_of(const std::string& path) { return path.substr(0, path.find('/')); }
bool is_below(const std::string& path, const std::string& folder) { return path.starts_with(folder + '/'); }

// The project files that a file includes, as paths relative to the root. Tests, tools and examples may
// include files of their own folder in quotes.
std::vector<std::string> includes_of(const Sources& sources, const std::string& path) {
  std::vector<std::string> found;
  for (const std::vector<std::string>& match :
       groups_of_matches(sources.at(path), R"(^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"])")) {
    const std::string& name = match[2];
    if (name.starts_with("metron/")) {
      found.push_back(name == "metron/metron.h" ? "layers/metron.h" : name.substr(7));
    } else if (match[1] == "\"") {
      found.push_back((fs::path(folder_of(path)) / name).lexically_normal().generic_string());
    } else {  // a target's private include folder: <mnist_cnn/net.h>
      for (const char* top : {"examples/", "tests/", "tools/"}) {
        if (sources.contains(top + name)) found.push_back(top + name);
      }
    }
  }
  return found;
}

int layer_of(const std::string& folder) {
  const std::map<std::string, int> layers{{"core", 0},  {"kernels", 1},  {"layers", 2},
                                          {"tools", 3}, {"examples", 3}, {"tests", 3}};
  const auto found = layers.find(folder);
  return found == layers.end() ? -1 : found->second;
}

// "core/slot.cpp includes kernels/providers.h: core is below kernels", one per violation.
std::vector<std::string> violations_of(const Sources& sources, const std::set<std::string>& public_headers) {
  std::vector<std::string> violations;
  for (const auto& [path, text] : sources) {
    const std::string from = top_folder_of(path);
    for (const std::string& included : includes_of(sources, path)) {
      const std::string to = top_folder_of(included);
      const auto report = [&](const std::string& why) {
        violations.push_back(path + " includes " + included + ": " + why);
      };
      if (layer_of(to) > layer_of(from)) report(from + " is below " + to);
      if (to != from && (to == "tests" || to == "examples")) report("nothing outside includes " + to);
      if (to != from && from == "examples" && to == "tools") report("examples depend only on the library");
      if (from == "core" && !is_below(path, "core/profiler") && !is_below(path, "core/deprecated") &&
          is_below(included, "core/profiler"))
        report("views are above the slots");
      if (is_below(path, "core/timer") && (is_below(included, "core/ops") || included == "core/slot.h" ||
                                           included == "core/slots.h" || included == "core/ops.h"))
        report("the timer is below the slots");
      if (path.ends_with(".h") && public_headers.contains(folder_of(path)) && layer_of(to) >= 0 &&
          !public_headers.contains(folder_of(included)))
        report("a public header includes a private one");
    }
  }
  return violations;
}

std::string lines(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& line : all) text += line + '\n';
  return text;
}

TEST(Includes, DependenciesPointOneWay) {
  const Sources sources = read_sources();
  EXPECT_GT(sources.size(), 550u) << "the scan misses files";
  const std::set<std::string> folders = public_folders();
  EXPECT_TRUE(folders.contains("core") && folders.contains("layers"));
  EXPECT_EQ(lines(violations_of(sources, folders)), "");
}

// Under their present paths: the deprecated ones are for users.
TEST(Includes, NamedFilesExist) {
  const Sources sources = read_sources();
  std::vector<std::string> missing;
  for (const auto& [path, text] : sources) {
    for (const std::string& included : includes_of(sources, path)) {
      if (layer_of(top_folder_of(included)) >= 0 && !sources.contains(included) &&
          !fs::exists(root / included))
        missing.push_back(path + " includes " + included);
    }
  }
  EXPECT_EQ(lines(missing), "");
}

// The CMake files of core, kernels, layers and tools, and the root's.
std::map<std::string, std::string> build_files() {
  std::map<std::string, std::string> files{{"CMakeLists.txt", source_text("CMakeLists.txt")}};
  for (const char* folder : {"core", "kernels", "layers", "tools"}) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / folder)) {
      const fs::path& path = entry.path();
      if (path.filename() == "CMakeLists.txt" || path.extension() == ".cmake") add(files, path);
    }
  }
  return files;
}

// Library and tools are compiled without files of tests or examples, kernels without those of tools. The one
// exception is data: the default of the option METRON_MNIST_DATA.
TEST(Includes, TheBuildDoesNotDependOnTestsOrExamples) {
  const std::map<std::string, std::string> files = build_files();
  for (const char* file :
       {"kernels/CMakeLists.txt", "kernels/emulator/CMakeLists.txt", "tools/CMakeLists.txt",
        "tools/cmake/MetronEmulator.cmake", "tools/report/CMakeLists.txt"})
    EXPECT_TRUE(files.contains(file)) << file;
  for (const auto& [file, text] : files) {
    std::string code;
    for (const std::string& part :
         between_matches(text, R"(set\(METRON_MNIST_DATA \$\{PROJECT_SOURCE_DIR\}/examples/mnist_cnn/data)"))
      code += part;
    for (const char* folder : {"tests/", "examples/"})
      EXPECT_EQ(code.find(folder), std::string::npos) << file << " names " << folder;
    EXPECT_TRUE(!is_below(file, "kernels") || code.find("tools/") == std::string::npos)
        << file << " names tools/";
  }
}

TEST(Includes, ViolationsAreDetected) {
  const std::set<std::string> folders{"core", "core/timer", "layers"};
  const auto found = [&](const std::string& path, const std::string& line) {
    Sources sources{{"tests/cases.h", ""}, {"examples/mnist_cnn/net.h", ""}, {path, line + "\n"}};
    return violations_of(sources, folders).size();
  };
  EXPECT_EQ(found("core/slot.cpp", "#include <metron/core/tensor.h>"), 0u);
  EXPECT_EQ(found("core/slot.cpp", "#include <metron/kernels/providers.h>"), 1u);
  EXPECT_EQ(found("core/slot.cpp", "  #  include <metron/layers/module.h>"), 1u);
  EXPECT_EQ(found("core/slot.cpp", "#include <metron/metron.h>"), 1u);
  EXPECT_EQ(found("kernels/cpu/copy.cpp", "#include <metron/tools/roof.h>"), 1u);
  EXPECT_EQ(found("tools/bench/bench.cpp", "#include \"../../tests/cases.h\""), 1u);
  EXPECT_EQ(found("tools/bench/bench.cpp", "#include <cases.h>"), 1u);
  EXPECT_EQ(found("tests/test_graph.cpp", "#include <mnist_cnn/net.h>"), 1u);
  EXPECT_EQ(found("tests/test_cases.cpp", "#include \"cases.h\""), 0u);
  EXPECT_EQ(found("core/timer/scopes.cpp", "#include <metron/core/profiler/ranking.h>"), 1u);
  EXPECT_EQ(found("core/profiler/trace.cpp", "#include <metron/core/profiler/ranking.h>"), 0u);
  EXPECT_EQ(found("core/slot.h", "#include <metron/core/internal/state.h>"), 1u);
  EXPECT_EQ(found("core/slot.cpp", "#include <metron/core/internal/state.h>"), 0u);
  EXPECT_EQ(found("core/timer/record.h", "#include <metron/core/slot.h>"), 1u);
}

}  // namespace
}  // namespace metron::test
