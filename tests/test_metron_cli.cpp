// The metron command line as a user runs it: info, profile, graph and their errors.
#include <gtest/gtest.h>
#include <metron/core/profiler/profile_file.h>
#include <metron/core/profiler/ranking.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "json.h"
#include "run_command.h"
#include "temporary_folder.h"

namespace metron {
namespace {

namespace fs = std::filesystem;

const std::string programs = METRON_BINARY_DIR "/bin/";

using test::Output;
using test::run_command;

Output run(const std::string& arguments) {
  return run_command("OMP_WAIT_POLICY=passive '" + programs + "metron' " + arguments);
}

class Metron : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder / name).string(); }
  // Runs `metron profile` on profiled_program.
  Output profile(const std::string& options, const std::string& arguments) const {
    return run("profile --out '" + path("out") + "' " + options + " -- '" + programs + "profiled_program' " +
               arguments);
  }
  Profile written() const { return load_profile(folder / "out" / "profile.json"); }

  TemporaryFolder folder;
};

std::int64_t count(const Profile& profile, const std::string& name, Phase phase) {
  return std::count_if(profile.records.begin(), profile.records.end(), [&](const Record& record) {
    return record.kind == RecordKind::op && record.phase == phase && record.name == name;
  });
}

TEST_F(Metron, PrintsHelp) {
  const Output output = run("--help");
  EXPECT_EQ(output.code, 0);
  EXPECT_TRUE(contains(output.text, {"info", "profile"}));
  EXPECT_EQ(run("--version").text, "0.1.0\n");
}

TEST_F(Metron, ExitsWithTwoOnBadInput) {
  struct Case {
    std::string arguments;
    std::vector<std::string> words;
  };
  const std::string file = folder.write("file", "text").string();
  std::vector<Case> cases{
      {"", {"subcommand"}},
      {"info --json extra", {"extra"}},
      {"nothing", {"nothing"}},
      {"--no-such-flag", {"--no-such-flag"}},
      {"info --x", {"--x"}},
      {"profile", {"program"}},
      {"profile --steps -1 -- true", {"--steps", "-1"}},
      {"profile --steps ten -- true", {"--steps", "ten"}},
      {"profile --sort size -- true", {"--sort", "size", "total"}},
      {"profile --group x -- true", {"--group", "x"}},
      {"profile --out '" + file + "' -- true", {"file"}},
      {"profile --out /proc/x -- true", {"/proc/x"}},
      {"profile --out '" + path("out") + "' -- /nonexistent/program",
       {"/nonexistent/program", "No such file"}},
      {"profile --out '" + path("out") + "' -- true", {"true", "not linked with Metron"}},
  };
  if (run("graph --help").code == 0) {
    const std::vector<Case> graphs{
        {"graph --out x.jpeg", {"x.jpeg", ".png"}},
        {"graph --out /nonexistent/x.png", {"/nonexistent/x.png"}},
        {"graph --out /proc/x.png", {"/proc/x.png"}},
        {"graph --batch-size 0", {"--batch-size"}},
        {"graph --backward --eval", {"--eval"}},
        {"graph --out '" + path("x.png") + "' --profile /nonexistent", {"/nonexistent"}},
        {"graph --out '" + path("x.png") + "' --profile '" + file + "'", {"file", "JSON"}},
    };
    cases.insert(cases.end(), graphs.begin(), graphs.end());
  }
  for (const Case& c : cases) {
    const Output output = run(c.arguments);
    EXPECT_EQ(output.code, 2) << c.arguments << "\n" << output.text;
    for (const std::string& word : c.words)
      EXPECT_NE(output.text.find(word), std::string::npos) << word << " in\n" << output.text;
    EXPECT_LE(std::count(output.text.begin(), output.text.end(), '\n'), 2) << output.text;
  }
  EXPECT_FALSE(std::filesystem::exists(path("x.png")));
}

TEST_F(Metron, ReportsLostOutput) {
  const Output output = run_command("{ '" + programs + "metron' info >/dev/full; }");
  EXPECT_EQ(output.code, 2);
  EXPECT_NE(output.text.find("can't be written"), std::string::npos) << output.text;
}

TEST_F(Metron, InfoNamesTheMachineAndTheBuild) {
  const Output text = run("info"), json = run("info --json");
  EXPECT_EQ(text.code, 0);
  EXPECT_TRUE(
      contains(text.text, {"CPU", "cores", "memory", "compiler", "METRON_OPENMP", "provider", "commit"}));
  const auto info = test::parse_json(json.text);
  EXPECT_GE(info.at("cpu").at("cores").get<int>(), 1);
  EXPECT_GE(info.at("memory_bytes").get<double>(), 1e8);
  EXPECT_FALSE(info.at("commit").get<std::string>().empty());
  const auto& providers = info.at("providers");
  EXPECT_TRUE(
      std::any_of(providers.begin(), providers.end(), [](const auto& p) { return p.at("name") == "cpu"; }));
  EXPECT_NE(text.text.find(info.at("cpu").at("model").get<std::string>()), std::string::npos);
}

TEST_F(Metron, ProfilesAProgram) {
  const Output output = profile("--top 3 --modules", "30 0");
  ASSERT_EQ(output.code, 0) << output.text;
  EXPECT_TRUE(contains(
      output.text, {"linear", "more ops)", "wall time", "20 steps recorded; memory on the cpu: ", "module"}));
  EXPECT_EQ(output.text.find("cuda"), std::string::npos) << output.text;
  const Profile found = written();
  EXPECT_EQ(found.steps.size(), 20u);  // the default
  EXPECT_EQ(count(found, "adam", Phase::optimizer), 20);
  EXPECT_EQ(count(found, "cross_entropy", Phase::forward), 20);
  EXPECT_EQ(count(found, "linear", Phase::backward), 40);
  EXPECT_NE(found.program.find("profiled_program 30 0"), std::string::npos);
  EXPECT_EQ(read_file(folder / "out" / "ranking.csv"), rank(found).to_csv());
  EXPECT_TRUE(test::is_json(read_file(folder / "out" / "trace.json")));
}

TEST_F(Metron, ProfilesTheSelectedSteps) {
  ASSERT_EQ(profile("--wait 3 --warmup 2 --steps 4", "30 0").code, 0);
  const Profile found = written();
  std::vector<std::int64_t> numbers;
  for (const ProfiledStep& step : found.steps) numbers.push_back(step.number);
  EXPECT_EQ(numbers, (std::vector<std::int64_t>{5, 6, 7, 8}));
  EXPECT_EQ(count(found, "adam", Phase::optimizer), 4);
  for (const Record& record : found.records)
    EXPECT_FALSE(record.first) << record.name;  // warm-up already covered them
  ASSERT_EQ(profile("--steps 0", "30 0").code, 0);
  EXPECT_EQ(written().steps.size(), 30u);
}

#if defined(METRON_NVTX_LISTENER)
TEST_F(Metron, EmitsNvtxRanges) {
  const std::string log = path("ranges"), listener = "NVTX_INJECTION64_PATH='" METRON_NVTX_LISTENER
                                                     "' NVTX_LISTENER='" +
                                                     log + "' ";
  const auto ranges_of = [&](const std::string& variables) {
    const Output output = run_command(listener + variables + " OMP_WAIT_POLICY=passive METRON_PROFILE='" +
                                      path("out") + "' '" + programs + "profiled_program' 2 0");
    EXPECT_EQ(output.code, 0) << output.text;
    std::vector<std::string> lines;
    std::istringstream text(fs::exists(log) ? read_file(log) : "");
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  };
  EXPECT_TRUE(ranges_of("").empty()) << "not requested";
  const std::vector<std::string> ranges = ranges_of("METRON_NVTX=1");
  ASSERT_FALSE(ranges.empty());
  EXPECT_EQ(ranges.back(), "depth 0 at the end");
  EXPECT_EQ(std::count(ranges.begin(), ranges.end(), "nothing to pop"), 0);
  // One per record, in the profile's order. Earlier ones are the timer's calibration.
  const Profile found = written();
  ASSERT_GT(ranges.size(), found.records.size());
  auto range = ranges.end() - 1 - static_cast<std::ptrdiff_t>(found.records.size());
  for (const Record& record : found.records) {
    int depth = 0;
    for (std::int32_t around = record.parent; around >= 0; ++depth)
      around = found.records[static_cast<std::size_t>(around)].parent;
    EXPECT_EQ(*range++, std::string(static_cast<std::size_t>(depth), ' ') + record.name);
  }
}
#else
TEST_F(Metron, ReportsMissingNvtx) {
  const Output output =
      run_command("METRON_NVTX=1 '" + programs + "metron' graph --measure 1 --out '" + path("g.png") + "'");
  EXPECT_EQ(output.code, 2);
  EXPECT_TRUE(contains(output.text, {"METRON_NVTX", "nvToolsExt.h"})) << output.text;
}
#endif

TEST_F(Metron, ProfilesTheReferenceExample) {
  const Output output = run("profile --steps 2 --out '" + path("out") + "' -- '" + programs +
                            "mnist_cnn' --epochs 1 --train-limit 192 --test-limit 10");
  ASSERT_EQ(output.code, 0) << output.text;
  EXPECT_TRUE(contains(output.text, {"192 images", "conv2d backward", "2 steps recorded"}));
  EXPECT_EQ(count(written(), "conv2d", Phase::forward), 4);
}

TEST_F(Metron, ForwardsTheExitStatus) {
  for (const int status : {0, 3}) {
    const Output output = profile("", "2 " + std::to_string(status));
    EXPECT_EQ(output.code, status) << output.text;
    EXPECT_EQ(written().steps.size(), 2u);
  }
}

TEST_F(Metron, ReportsWhyThereIsNoProfile) {
  profile("", "2 0");  // whose files remain and must not be mistaken for the next profile's
  const std::string earlier = read_file(folder / "out" / "profile.json");
  struct Case {
    std::string arguments;
    int code;
    std::vector<std::string> words;
  };
  const std::vector<Case> cases{
      {"0 0", 2, {"computed nothing"}},
      {"0 5", 5, {"status 5"}},
      {"2 abort", 128 + SIGABRT, {"signal 6", "without writing"}},
      {"2 throw", 128 + SIGABRT, {"own", "signal 6"}},
      {"2 _exit", 2, {"without writing", "_exit"}},
  };
  for (const Case& c : cases) {
    const Output output = profile("", c.arguments);
    EXPECT_EQ(output.code, c.code) << c.arguments << "\n" << output.text;
    for (const std::string& word : c.words)
      EXPECT_NE(output.text.find(word), std::string::npos) << word << " in\n" << output.text;
    EXPECT_EQ(read_file(folder / "out" / "profile.json"), earlier) << c.arguments;
    EXPECT_EQ(output.text.find("steps recorded"), std::string::npos) << output.text;
  }
}

TEST_F(Metron, LeavesNoFolderForAnUnprofiledProgram) {
  std::filesystem::create_directory(folder / "mine");
  for (const char* out : {"mine", "new", "new/er/", "mine/new"}) {
    for (const char* program : {"/nonexistent/program", "true"}) {
      EXPECT_EQ(run("profile --out '" + path(out) + "' -- " + program).code, 2);
      EXPECT_EQ(folder.names(), std::vector<std::string>{"mine"}) << out << ' ' << program;
      EXPECT_TRUE(std::filesystem::is_empty(folder / "mine")) << out << ' ' << program;
    }
  }
}

TEST_F(Metron, RejectsAProgramThatProfilesItself) {
  const Output output = run("profile --out '" + path("out") + "' -- '" + programs +
                            "mnist_cnn' --epochs 1 --train-limit 64 --test-limit 10 --profile");
  EXPECT_EQ(output.code, 2);
  EXPECT_NE(output.text.find("METRON_PROFILE started it"), std::string::npos) << output.text;
}

// The folder disappears while the program runs. The socket carries the reason to the command.
TEST_F(Metron, ReportsWhyAProfileCouldNotBeWritten) {
  const std::string out = path("out"), log = path("log");
  const std::string script = "\"" + programs + "profiled_program\" 5 never >" + log + " & p=$!; " +
                             "until grep -q working " + log + "; do sleep 0.05; done; " + "rm -r " + out +
                             "; touch " + out + "; kill -TERM $p; wait $p";
  const Output output = run("profile --out '" + out + "' -- sh -c '" + script + "'");
  EXPECT_EQ(output.code, 128 + SIGTERM) << output.text;
  EXPECT_TRUE(contains(output.text, {"metron: [profile]", "the folder " + out})) << output.text;
  EXPECT_EQ(read_file(out), "");
}

// Starts `metron profile` on a program that never ends, in its own process group, and signals it once it
// runs.
int exit_code_after_signal(const std::string& out, int number, bool to_the_group, const std::string& log) {
  std::fflush(nullptr);
  const pid_t process = ::fork();
  if (process == 0) {
    ::setpgid(0, 0);
    if (std::freopen(log.c_str(), "w", stdout) == nullptr) ::_exit(99);
    const std::string program = programs + "profiled_program", metron = programs + "metron";
    ::execl(metron.c_str(), "metron", "profile", "--steps", "0", "--out", out.c_str(), "--", program.c_str(),
            "5", "never", static_cast<char*>(nullptr));
    ::_exit(98);
  }
  for (int i = 0; i < 2000 && read_file(log).find("working") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ::kill(to_the_group ? -process : process, number);
  int status = 0;
  EXPECT_EQ(::waitpid(process, &status, 0), process);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST_F(Metron, KeepsTheProfileOfAnInterruptedProgram) {
  EXPECT_EQ(exit_code_after_signal(path("out"), SIGINT, true, path("log")),
            128 + SIGINT);  // Ctrl-C reaches both
  EXPECT_GE(written().steps.size(), 5u);
  EXPECT_NE(read_file(path("log")).find("wall time"), std::string::npos);
}

TEST_F(Metron, ForwardsSigterm) {
  EXPECT_EQ(exit_code_after_signal(path("out"), SIGTERM, false, path("log")), 128 + SIGTERM);
  EXPECT_GE(written().steps.size(), 5u);
}

TEST_F(Metron, DrawsGraphs) {
  if (run("graph --help").code != 0) GTEST_SKIP() << "this build has no metron graph";
  const std::string png = path("g.png"), svg = path("g.svg"), dot = path("g.dot");
  const Output output =
      run("graph --batch-size 4 --measure 2 --out '" + png + "' '" + svg + "' '" + dot + "'");
  ASSERT_EQ(output.code, 0) << output.text;
  EXPECT_NE(output.text.find("1,199,882 parameters"), std::string::npos) << output.text;
  EXPECT_TRUE(read_file(png).starts_with("\x89PNG"));
  EXPECT_NE(read_file(svg).find("<svg"), std::string::npos);
  EXPECT_TRUE(
      contains(read_file(dot), {"digraph", "cluster_conv2", "18,496 parameters", "4×64×12×12 float32"}));

  ASSERT_EQ(run("profile --steps 3 --out '" + path("out") + "' -- '" + programs +
                "mnist_cnn' --epochs 1 --train-limit 192 --test-limit 10")
                .code,
            0);
  const Output backward = run("graph --backward --dark --profile '" + path("out") + "' --out '" + dot + "'");
  ASSERT_EQ(backward.code, 0) << backward.text;
  EXPECT_TRUE(contains(read_file(dot), {"conv2d backward", "fc1.weight", "1,179,648 parameters", "ms\""}));
}

TEST_F(Metron, RejectsAProfileOfAnotherModel) {
  if (run("graph --help").code != 0) GTEST_SKIP() << "this build has no metron graph";
  ASSERT_EQ(profile("", "0 0").code, 2);
  ASSERT_EQ(profile("", "3 0").code, 0);
  const Output output = run("graph --profile '" + path("out") + "' --eval --out '" + path("g.png") + "'");
  EXPECT_EQ(output.code, 2) << output.text;
  EXPECT_NE(output.text.find("profile"), std::string::npos) << output.text;
  EXPECT_FALSE(std::filesystem::exists(path("g.png")));
}

}  // namespace
}  // namespace metron
