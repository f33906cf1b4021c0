// Checks in the sources what an op, a slot or a formula needs besides its code. A missing part is named in
// one sentence.
#include <gtest/gtest.h>
#include <metron/core/options.h>
#include <metron/core/slot.h>
#include <metron/core/storage.h>
#include <metron/tools/op_cases/cases.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "text_search.h"

namespace metron::test {
namespace {

namespace fs = std::filesystem;

// The concatenated contents of the files in a folder whose name matches the pattern.
std::string read_all(const std::string& folder, const std::string& pattern) {
  std::string text;
  int files = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(METRON_SOURCE_DIR "/" + folder)) {
    const std::string name = entry.path().filename();
    if (!is_found(name, '^' + pattern + '$')) continue;
    text += source_text(folder + '/' + name);
    ++files;
  }
  EXPECT_GT(files, 0) << folder << ' ' << pattern;
  return text;
}

std::set<std::string> as_set(const std::vector<std::string>& names) { return {names.begin(), names.end()}; }

std::set<std::string> ops() {
  return as_set(matches(source_text("core/ops.h"), R"(^Tensor ?\(?(\w+)\)?\()"));
}
std::vector<std::string> slots() {
  return matches(source_text("core/slots.h"), R"(^inline constinit Slot<\w+>\s+(\w+)\{)");
}
std::vector<std::string> unary_rows() {
  return matches(source_text("core/formulas.def"), R"(^METRON_UNARY\((\w+), [xy],)");
}

TEST(Completeness, TheSourcesAreParsed) {
  EXPECT_GT(ops().size(), 55u);
  EXPECT_GE(slots().size(), 35u);
  EXPECT_EQ(slots().size(), matches(source_text("core/slots.h"), R"((Slot<\w+>))").size());
  EXPECT_GE(unary_rows().size(), 9u);
}

TEST(Completeness, EveryFormulaIsDeclaredAsAnOp) {
  const std::set<std::string> declared = ops();
  for (const std::string& row : unary_rows())
    EXPECT_TRUE(declared.contains(row))
        << row << " has a row in core/formulas.def and no declaration in core/ops.h";
}

TEST(Completeness, EveryFormulaHasAUniqueName) {
  std::set<std::string> names;
  for (const UnaryOp op : unary_ops)
    EXPECT_TRUE(names.insert(name_of(op)).second) << "two formulas are called " << name_of(op);
}

// Error tests of unary ops are generated from their rows.
TEST(Completeness, EveryOpHasAnErrorTest) {
  const std::string tests = read_all("tests", R"(test_\w*errors\.cpp)");
  const std::set<std::string> rows = as_set(unary_rows());
  std::set<std::string> in_table;
  for (const op_cases::ErrorCase& c : op_cases::error_cases()) in_table.insert(c.op);
  for (const std::string& op : ops())
    EXPECT_TRUE(rows.contains(op) || in_table.contains(op) || tests.find("[" + op + "]") != std::string::npos)
        << op << " has no error test: neither in tools/op_cases/ nor in tests/test_*errors.cpp";
}

// A comment on the line above or at the end of the declaration.
TEST(Completeness, EveryOpIsDocumented) {
  const std::string header = source_text("core/ops.h");
  const std::set<std::string> documented = as_set(matches(header, R"((?:^//[^\n]*\nTensor ?\(?(\w+)\)?\())")),
                              at_the_end = as_set(matches(header, R"(^Tensor ?\(?(\w+)\)?\([^;]*;\s+//)"));
  for (const std::string& op : ops())
    EXPECT_TRUE(documented.contains(op) || at_the_end.contains(op)) << op << " has no comment in core/ops.h";
}

TEST(Completeness, EverySlotHasAContract) {
  const std::string header = source_text("core/slots.h");
  const std::set<std::string> documented =
      as_set(matches(header, R"(^//[^\n]*\nusing \w+ =[^;]*;\ninline constinit Slot<\w+>\s+(\w+)\{)"));
  for (const std::string& slot : slots())
    EXPECT_TRUE(documented.contains(slot)) << slot << " has no contract above it in core/slots.h";
}

TEST(Completeness, EverySlotHasItsKernels) {
  for (const char* name : {"cpu", "cuda"}) {
    if (std::string(name) == "cuda" && !has_device(Device(Device::Type::cuda))) continue;
    const std::set<std::string> installed(provider(name).slot_names.begin(), provider(name).slot_names.end());
    for (const std::string& slot : slots())
      EXPECT_TRUE(installed.contains(slot))
          << slot << " has no kernel in the provider " << name << ": no line in its install.cpp";
  }
}

TEST(Completeness, EverySlotIsCalled) {
  const std::string callers = read_all("core/ops", R"(\w+\.cpp)") + source_text("layers/optim.cpp");
  for (const std::string& slot : slots())
    EXPECT_NE(callers.find("kernel::" + slot + "("), std::string::npos)
        << slot << " is called by no op and no optimizer";
}

// Only the slot's type and the provider functions list a slot's parameters.
TEST(Completeness, NoHeaderRepeatsTheParametersOfASlot) {
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(METRON_SOURCE_DIR "/kernels")) {
    const fs::path& path = entry.path();
    if (path.extension() != ".h" && path.extension() != ".cuh") continue;
    const std::string text = source_text(path.lexically_relative(METRON_SOURCE_DIR));
    for (const std::string& slot : slots())
      EXPECT_TRUE(matches(text, "(^bool " + slot + R"(\(const))").empty())
          << path << " repeats the parameters of " << slot << ": declare it by its type in core/slots.h";
  }
}

}  // namespace
}  // namespace metron::test
