// `metron nvcc`: programs with <<<>>> are compiled for the emulator, run, and judged.
#include <gtest/gtest.h>
#include <metron/tools/nvcc/rewrite.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace metron::test {
namespace {

namespace fs = std::filesystem;

const std::string sources = METRON_SOURCE_DIR "/tests/nvcc/", nvcc = METRON_BINARY_DIR "/bin/metron-nvcc";

struct Result {
  int status = 0;
  std::string output;  // and errors
};
Result run(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>&1").c_str(), "r"),
                                                   [](FILE*) { return 0; });
  Result result;
  char text[4096];
  while (std::fgets(text, sizeof text, pipe.get()) != nullptr) result.output += text;
  const int status = pclose(pipe.get());
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::string file_text(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

int line_of(const std::string& text, const std::string& words) {
  const std::size_t at = text.find(words);
  EXPECT_NE(at, std::string::npos) << words;
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

class Nvcc : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = fs::temp_directory_path() / ("test_nvcc." + std::to_string(getpid()));
    fs::create_directory(folder);
  }
  static void TearDownTestSuite() { fs::remove_all(folder); }

  static fs::path folder;
};
fs::path Nvcc::folder;

std::string in(const fs::path& folder, const std::string& command) {
  return "cd " + folder.string() + " && " + command;
}

TEST_F(Nvcc, ProgramsRunUnchanged) {
  const Result built =
      run(in(folder, nvcc + " -O3 -std=c++17 -arch=sm_80 -lineinfo --extended-lambda -DFEATURES_STATUS=3 " +
                         "-use_fast_math -Xcompiler -Wall,-Wextra,-Wno-unused-parameter -o features " +
                         sources + "features.cu"));
  ASSERT_EQ(built.status, 0) << built.output;
  EXPECT_EQ(built.output, "");
  const Result ran =
      run(in(folder, "METRON_EMULATOR_EXIT=86 METRON_EMULATOR_IGNORE=launch-limits ./features"));
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_EQ(ran.output, "kernel says 1 of 2.5\nall passed\n");
}

TEST_F(Nvcc, FaultsAreFoundAndTheirMendedTwinsAreSilent) {
  const Result built = run(in(folder, nvcc + " -o faults " + sources + "faults.cu"));
  ASSERT_EQ(built.status, 0) << built.output;
  const std::string text = file_text(sources + "faults.cu");
  const std::pair<const char*, const char*> faults[] = {
      {"missing_barrier", "race"},         {"lost_update", "race"},
      {"unguarded", "out of bounds"},      {"past_the_array", "out of bounds"},
      {"misaligned_vector", "misaligned"}, {"uninitialized_sum", "uninitialized"},
      {"barrier_in_branch", "barrier"},    {"shuffle_after_exit", "warp"},
      {"host_pointer", "out of bounds"},   {"failed_assertion", "trap"},
      {"device_variable", "race"}};
  for (const auto& [name, check] : faults) {
    SCOPED_TRACE(name);
    const Result found = run(in(folder, std::string("METRON_EMULATOR_EXIT=86 ./faults ") + name));
    EXPECT_EQ(found.status, 86) << found.output;
    const std::string heading = std::string(check) + " in " + name + "<false> at ";
    const std::string line = "faults.cu:" + std::to_string(line_of(text, std::string("// FAULT ") + name));
    EXPECT_NE(found.output.find(heading), std::string::npos) << found.output;
    EXPECT_NE(found.output.find(line), std::string::npos) << line << '\n' << found.output;
    EXPECT_NE(found.output.find("   usual fix: "), std::string::npos) << found.output;
    const Result mended =
        run(in(folder, std::string("METRON_EMULATOR_EXIT=86 ./faults ") + name + " mended"));
    EXPECT_EQ(mended.status, 0) << mended.output;
    EXPECT_EQ(mended.output, std::string(name) + ": cudaSuccess\n");
  }
  // Without the variable, the program's own status stays. JSON has the same findings.
  const Result own = run(in(folder, "METRON_EMULATOR_JSON=found.json ./faults unguarded"));
  EXPECT_EQ(own.status, 0);
  EXPECT_NE(own.output.find("the memory was allocated at "), std::string::npos) << own.output;
  EXPECT_NE(own.output.find("of an allocation of 400 bytes (element 109 of 100)\n"), std::string::npos);
  const nlohmann::json json = nlohmann::json::parse(file_text(folder / "found.json")).at("findings");
  ASSERT_EQ(json.size(), 1u);
  EXPECT_EQ(json[0].at("check"), "out of bounds");
  EXPECT_EQ(json[0].at("kernel"), "unguarded<false>");
  EXPECT_EQ(json[0].at("line"), line_of(text, "// FAULT unguarded"));
  EXPECT_EQ(json[0].at("thread").at("block"), (std::vector<int>{3, 0, 0}));
  EXPECT_TRUE(json[0].at("other").is_null());
  const Result silent = run(in(folder, "METRON_EMULATOR_IGNORE=race,uninitialized ./faults missing_barrier"));
  EXPECT_EQ(silent.output, "missing_barrier: cudaSuccess\n");
  EXPECT_EQ(run(in(folder, "METRON_EMULATOR_IGNORE=nonsense ./faults missing_barrier")).status, 2);
}

TEST_F(Nvcc, DocumentsShowARealRun) {
  fs::copy_file(sources + "readme.cu", folder / "readme.cu");
  const Result ran = run(in(folder, nvcc + " -o total readme.cu && METRON_EMULATOR_EXIT=86 ./total"));
  EXPECT_EQ(ran.status, 86);
  const std::string program = file_text(sources + "readme.cu"),
                    kernel = program.substr(0, program.find("\n\n"));
  for (const char* document : {"/README.md", "/docs/workshop.md"}) {
    const std::string text = file_text(std::string(METRON_SOURCE_DIR) + document);
    EXPECT_NE(text.find(ran.output), std::string::npos) << document << " does not have\n" << ran.output;
    EXPECT_NE(text.find(kernel), std::string::npos) << document << " does not have\n" << kernel;
  }
}

// Kernels and launches in spellings that are rare in features.cu, in one program.
TEST_F(Nvcc, SpellingsOfKernelsAndLaunches) {
  const std::string programs[] = {
      "__global__ void k0(const float* __restrict__ a, float* __restrict b, const int* const __restrict__ c)"
      " { if (a == nullptr && c == nullptr) *b += 1; }\n"
      "void p0(float* d) { k0<<<1, 1>>>(nullptr, d, nullptr); }\n",
      "__global__ void __launch_bounds__(1 << 8) k1(float* d, int n) { atomicAdd(d, n == 1 ? 1 / 256.f : 9); "
      "}\n"
      "void p1(float* d) { int n = 0; k1<<<n >> 8, 1>>>(d, 9); cudaGetLastError();"
      " k1<<<++n, 1 << 8>>>(d, n); }\n",
      "template <class T> __device__ T never_used;\n"
      "__global__ void k2(float* d) { *d += 1; }\n"
      "void p2(float* d) { void (*f)(float*) = k2; if (d == nullptr) (*f)<<<1, 1>>>(d);"
      " else (*f)<<<1, 1>>>(d); }\n",
      "void p3(float* d) { void (*f)(float*) = k2; for (int i = 0; i < 1; ++i) (*f)<<<1, 1>>>(d); }\n",
      "void p4(float* d) { void (*f)(float*) = k2; if (f) (*f)<<<1, 1>>>(d); }\n",
      "void p5(float* d) { if (d) ::k2<<<1, 1>>>(d); }\n",
      "void p6(float* d) { void (*f)(float*) = k2; return (*f)<<<1, 1>>>(d); }\n",
      "void p7(float* d) { void (*f[1])(float*) = {k2}; while (*f != k2) ::k2<<<1, 1>>>(d);"
      " (f[0])<<<1, 1>>>(d); }\n"};
  std::ofstream out(folder / "spellings.cu");
  std::string calls;
  for (std::size_t i = 0; i < std::size(programs); ++i) {
    out << programs[i];
    calls += "  try_one(p" + std::to_string(i) + ", " + std::to_string(i) + ");\n";
  }
  out << "void try_one(void (*p)(float*), int i) {\n  float *d, h = 0;\n  cudaMalloc(&d, 4);\n"
         "  cudaMemset(d, 0, 4);\n  p(d);\n  cudaMemcpy(&h, d, 4, cudaMemcpyDeviceToHost);\n"
         "  if (h != 1) std::printf(\"program %d: %g\\n\", i, h);\n}\nint main() {\n"
      << calls << "}\n";
  out.close();
  const Result ran =
      run(in(folder, nvcc + " -o spellings -Xcompiler '-Wall -fPIC' -include cstdio "
                            "spellings.cu && METRON_EMULATOR_IGNORE=launch-limits ./spellings"));
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.output, "");
}

TEST_F(Nvcc, AnOutputNeverOverwritesAnInput) {
  const std::string text = "int main() {}\n";
  std::ofstream(folder / "kept.cu") << text;
  for (const char* mode : {"", "-c ", "-E "}) {
    const Result refused = run(in(folder, nvcc + " " + mode + "kept.cu -o ./kept.cu"));
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.output.find("would overwrite the input file kept.cu"), std::string::npos)
        << refused.output;
    EXPECT_EQ(file_text(folder / "kept.cu"), text);
  }
}

TEST_F(Nvcc, SeparateCompilation) {
  const std::string at = sources;
  const Result first = run(in(folder, nvcc + " -dc -DHELPER_VALUE=41 " + at + "helper.cu -o helper.o"));
  ASSERT_EQ(first.status, 0) << first.output;
  const Result linked =
      run(in(folder, nvcc + " -rdc=true " + at + "separate.cu helper.o -x cu " + "-lcudart -o separate"));
  ASSERT_NE(linked.status, 0) << "an unresolved symbol";
  const Result all = run(in(folder, nvcc + " " + at + "separate.cu " + at +
                                        "host_file.cpp helper.o -lcudart -o separate && ./separate"));
  EXPECT_EQ(all.output, "42\n");
  EXPECT_EQ(all.status, 0);
}

TEST_F(Nvcc, OptionsThatMeanNothingHereAreErrors) {
  const std::string source = sources + "helper.cu";
  EXPECT_NE(run(nvcc + " --nonsense " + source).output.find("the option `--nonsense` is not known"),
            std::string::npos);
  EXPECT_EQ(run(in(folder,
                   nvcc + " -forward-unknown-to-host-compiler -fno-common -E " + source + " -o forwarded.ii"))
                .output,
            "");
  EXPECT_NE(run(nvcc + " -ptx " + source).output.find("makes code for a device"), std::string::npos);
  EXPECT_NE(run(nvcc + " -lcublas " + source).output.find("does not have this library"), std::string::npos);
  EXPECT_NE(run(nvcc + " -arch=pascal " + source).output.find("names no architecture"), std::string::npos);
  EXPECT_NE(run(nvcc + " -O9 " + source).output.find("no optimization level"), std::string::npos);
  EXPECT_NE(run(nvcc + " missing.cu").output.find("missing.cu: no such file"), std::string::npos);
  EXPECT_NE(run(nvcc).output.find("no input files"), std::string::npos);
  EXPECT_EQ(run(nvcc + " --nonsense " + source).status, 1);
}

std::vector<nvcc::Complaint> complaints_about(const std::string& text) {
  return nvcc::rewritten("# 1 \"app.cu\"\n" + text, "/emulator").complaints;
}

TEST(NvccRewrite, WhatIsMissingIsNamedWithItsLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"__global__ void f() {\n  asm volatile(\"redux.sync.add.s32 %0, %1;\" : : );\n}\n", "inline PTX"},
      {"__global__ void f(int* p) {\n  p = new int[3];\n}\n", "new in device code"},
      {"__device__ void* f() {\n  return malloc(4);\n}\n", "malloc() in device code"},
      {"__global__ void g();\n__global__ void f() { g<<<1, 1>>>(); }\n", "dynamic parallelism"},
      {"\n__shared__ int x;\n", "outside of every function"},
      {"void f() {\n  __shared__ int x = 3;\n}\n", "no initializer"},
      {"\n__cluster_dims__(2) __global__ void f();\n", "clusters"}};
  for (const auto& [text, words] : cases) {
    const auto found = complaints_about(text);
    ASSERT_EQ(found.size(), 1u) << text;
    EXPECT_NE(found[0].message.find(words), std::string::npos) << found[0].message;
    EXPECT_EQ(found[0].file, "app.cu");
    EXPECT_EQ(found[0].line, 2);
  }
  EXPECT_TRUE(
      complaints_about("struct A { A(const A&) = delete; };\nvoid f() { delete new int; asm(\"nop\"); }\n")
          .empty());
}

TEST(NvccRewrite, LinesStay) {
  const std::string text = "void g() {\n  f<int>\n  <<<1,\n  2>>>\n  (3);\n}\nint last;\n";
  const std::string result = nvcc::rewritten(text, "/emulator").text;
  EXPECT_EQ(line_of(result, "int last"), 7);
  EXPECT_NE(result.find("(::metron::emulator::configure(1, 2), f<int>"), std::string::npos) << result;
}

}  // namespace
}  // namespace metron::test
