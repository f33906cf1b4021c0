#include "profile.h"

#include <metron/core/error.h>
#include <metron/core/internal/classic_stream.h>
#include <metron/core/profiler/profile_file.h>
#include <metron/core/profiler/profile_folder.h>
#include <metron/core/profiler/profile_views.h>
#include <metron/core/profiler/profiler.h>
#include <metron/tools/process.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <sstream>

namespace metron::tools {
namespace {

constexpr std::int64_t max_steps = 1'000'000'000;

struct Options {
  std::int64_t steps = 20;
  std::int64_t wait = 0;
  std::int64_t warmup = 0;
  std::string out = "metron-profile";
  int top = 15;
  std::string sort = "total";
  std::string group = "op";
  bool modules = false;
  std::vector<std::string> command;
};

const std::map<std::string, SortBy> sorts{{"total", SortBy::total}, {"self", SortBy::self},
                                          {"calls", SortBy::calls}, {"average", SortBy::average},
                                          {"name", SortBy::name},   {"device", SortBy::device},
                                          {"host", SortBy::host}};
const std::map<std::string, GroupBy> groups{
    {"op", GroupBy::op}, {"module", GroupBy::module}, {"shape", GroupBy::shape}};

std::vector<std::string> names_of(const auto& table) {
  std::vector<std::string> names;
  for (const auto& [name, value] : table) names.push_back(name);
  return names;
}

// The last message of the program's profiler: "started", "written" or "error <message>"; empty if it never
// ran.
std::string last_report(const std::string& reported) {
  std::istringstream lines(reported);
  std::string last;
  for (std::string line; std::getline(lines, line);) last = line;
  return last;
}

[[noreturn]] void explain_missing_profile(const Options& options, const ProcessResult& result) {
  const std::string report = last_report(result.reported), name = options.command.front();
  if (report.starts_with("error ")) fail<IoError>("profile", report.substr(6));
  metron::detail::ClassicStream ended;
  if (result.signal != 0) {
    ended << " (it was ended by signal " << result.signal << ')';
  } else if (result.status != 0) {
    ended << " (it ended with status " << result.status << ')';
  }
  if (report.empty())
    fail<Error>("profile", name, " ran no Metron op", ended.str(),
                ": it is not linked with Metron, or computed nothing");
  fail<Error>("profile", name, " ended without writing its profile", ended.str(),
              ": a program that crashes or calls _exit leaves none");
}

void show(const Profile& profile, const Options& options) {
  SortBy sort = sorts.at(options.sort);
  if (sort == SortBy::device && profile.device_clock.empty()) {
    std::printf("\nNo device with a clock was used: sorted by the host's time.\n");
    sort = SortBy::host;
  }
  const Ranking ranking =
      rank(profile, {.sort = sort, .group = groups.at(options.group), .limit = options.top});
  std::printf("\n%s", ranking.to_table().c_str());
  if (options.modules) std::printf("\n%s", to_table(module_view(profile)).c_str());
  std::printf("\n%zu steps recorded", profile.steps.size());
  for (const Device::Type type : {Device::Type::cpu, Device::Type::cuda}) {
    const MemorySummary memory = memory_summary(profile, type);
    if (memory.allocations == 0) continue;
    std::printf("; memory on %s: peak %.1f MiB, %lld blocks allocated",
                type == Device::Type::cpu ? "the cpu" : "cuda",
                static_cast<double>(memory.peak_bytes) / (1 << 20),
                static_cast<long long>(memory.allocations));
  }
  std::printf("\n");
  if (profile.truncated)
    std::printf("recording ended early, at %zu records: ask for fewer --steps\n", profile.records.size());
  std::printf(
      "%s: ranking.txt, ranking.csv, modules.csv, memory.csv, records.csv, profile.json and trace.json\n"
      "(open the trace at ui.perfetto.dev or chrome://tracing)\n",
      options.out.c_str());
}

// A folder, created if missing. If it stays empty it is removed again, with the parents that were created.
class NewFolder {
 public:
  explicit NewFolder(std::filesystem::path path) : path_(std::move(path)), existing_(path_) {
    std::error_code unknown;
    while (!std::filesystem::exists(existing_, unknown)) existing_ = existing_.parent_path();
  }
  ~NewFolder() {
    for (auto folder = path_; folder != existing_ && ::rmdir(folder.c_str()) == 0;)
      folder = folder.parent_path();
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

 private:
  std::filesystem::path path_, existing_;
};

// The files of an earlier profile remain until the program writes its own.
int run(const Options& options) {
  std::filesystem::path folder = std::filesystem::absolute(options.out);
  if (!folder.has_filename()) folder = folder.parent_path();
  const NewFolder unless_empty(folder);
  check_profile_folder(folder);
  metron::detail::ClassicStream steps;
  steps << options.wait << ',' << options.warmup << ',' << options.steps;
  const ProcessResult result = run_process(
      options.command, {{"METRON_PROFILE", folder.string()}, {"METRON_PROFILE_STEPS", steps.str()}},
      "METRON_PROFILE_FD");
  if (last_report(result.reported) != "written") {
    try {
      explain_missing_profile(options, result);
    } catch (const Error& error) {
      std::fprintf(stderr, "metron: %s\n", error.what());
    }
    return result.status != 0 ? result.status : 2;
  }
  show(load_profile(folder / "profile.json"), options);
  return result.status;
}

}  // namespace

Command profile_command(CommandLine& program) {
  Command command = program.add("profile", "Runs a program that is linked with Metron and profiles it.");
  const auto options = std::make_shared<Options>();
  Options& o = *options;
  command.option("--steps", &o.steps, "steps to record, counted by the optimizer's; 0: all")
      .range(0, max_steps);
  command.option("--wait", &o.wait, "steps to skip before, at full speed").range(0, max_steps);
  command.option("--warmup", &o.warmup, "steps to record and discard before").range(0, max_steps);
  command.option("--out", &o.out, "folder for the files");
  command.option("--top", &o.top, "ops to print; 0: all").range(0, 1'000'000);
  command.option("--sort", &o.sort, "what to rank by")
      .one_of(names_of(sorts))
      .shown_as("total|device|host|self|calls|average|name");
  command.option("--group", &o.group, "rows for each op, or for each op and module or shape")
      .one_of(names_of(groups))
      .shown_as("op|module|shape");
  command.flag("--modules", o.modules, "print the times of the modules too");
  command.option("program", &o.command, "-- program arguments...").required();
  command.run = [options] { return run(*options); };
  return command;
}

}  // namespace metron::tools
