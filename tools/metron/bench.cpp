#include "bench.h"

#include <metron/core/error.h>
#include <metron/core/io/atomic_file.h>
#include <metron/core/storage.h>
#include <metron/tools/bench/bench.h>
#include <metron/tools/environment.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace metron::tools {
namespace {

struct Options {
  std::string device = "auto";
  std::vector<std::int64_t> batches{1, 16, 64, 256};
  bool op_table = false;
  std::string filter;
  bool flush = false;
  double budget = 0.3;
  std::string csv, json, compare;
};

volatile std::sig_atomic_t interrupted = 0;

// Medians of an earlier run, keyed by group, name and provider.
using Earlier = std::map<std::string, double>;

constexpr char host_clock[] = "host";
std::string shown_clock(const std::string& clock) { return clock.empty() ? host_clock : clock; }

std::string key_of(const std::string& group, const std::string& name, const std::string& provider) {
  return group + '\n' + name + '\n' + provider;
}

// `clock`: that of this run. Times of two clocks can't be compared.
Earlier read_earlier(const std::string& path, const std::string& clock) {
  std::ifstream file(path);
  check<IoError>(file.good(), "bench", path, ": can't be read");
  Earlier medians;
  try {
    const auto json = nlohmann::json::parse(file);
    const std::string theirs = json.value("clock", std::string(host_clock));
    check<ValueError>(theirs == clock, "bench", path, ": times of the same clock are required, got ", theirs,
                      " and now ", clock);
    for (const auto& row : json.at("rows")) {
      if (row.contains("median_ns"))
        medians[key_of(row.at("group"), row.at("name"), row.at("provider"))] = row.at("median_ns");
    }
  } catch (const nlohmann::json::exception& error) {
    fail<IoError>("bench", path, ": not the output of metron bench --json: ", error.what());
  }
  return medians;
}

// "12.3 us": three digits and a unit.
std::string time_text(double ns) {
  char buffer[32];
  const double scaled = ns < 1e3 ? ns : ns < 1e6 ? ns * 1e-3 : ns < 1e9 ? ns * 1e-6 : ns * 1e-9;
  const char* unit = ns < 1e3 ? "ns" : ns < 1e6 ? "us" : ns < 1e9 ? "ms" : "s";
  std::snprintf(buffer, sizeof buffer, "%.*f %s", scaled < 10 ? 2 : scaled < 100 ? 1 : 0, scaled, unit);
  return buffer;
}

// A number, or a dash if there is none.
std::string cell(const char* format, double value) {
  char buffer[32];
  if (value == 0) return "-";
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

std::string roof_text(const RoofShare& roof) {
  return roof.kind == RoofKind::cached ? name_of(roof.kind) : cell("%.0f%%", 100 * roof.share);
}

class Table {
 public:
  Table(std::optional<Earlier> earlier, const std::string& clock)
      : earlier_(std::move(earlier)), clock_(clock.substr(0, clock.find(' '))) {}

  void print(const BenchRow& row) {
    if (row.group != group_) {
      group_ = row.group;
      std::printf("\n%-28s %-8s %9s %6s%s %8s %7s %6s %7s %8s%s\n", group_.c_str(), "provider",
                  clock_.empty() ? "median" : clock_.c_str(), "+-", clock_.empty() ? "" : "      host",
                  "GFLOP/s", "GB/s", "roof", "vendor", "error", earlier_ ? "  earlier" : "");
      name_.clear();
    }
    std::printf("%-28s %-8s ", row.name == name_ ? "" : row.name.c_str(), report_name(row.provider.c_str()));
    name_ = row.name;
    if (row.disposition != Disposition::ok) {
      std::printf("%s", name_of(row.disposition));
      if (row.disposition == Disposition::incorrect)
        std::printf(": off by %.1e of the largest result", row.error);
      if (row.disposition == Disposition::failed) std::printf(": %s", row.message.c_str());
      std::printf("\n");
      return;
    }
    if (row.timing.rounds == 0) {
      std::printf("ok, error %.1e (emulated: no time)\n", row.error);
      return;
    }
    char host[32] = "";
    if (!clock_.empty()) std::snprintf(host, sizeof host, " %9s", time_text(row.timing.host_ns).c_str());
    std::printf("%9s %5.0f%%%s %8s %7s %6s %7s %8s%s\n", time_text(row.timing.median_ns).c_str(),
                100 * row.timing.spread, host, cell("%.1f", row.gflops()).c_str(),
                cell("%.1f", row.gbytes()).c_str(), roof_text(row.roof).c_str(),
                cell("%.2fx", row.vendor_ratio).c_str(), cell("%.0e", row.error).c_str(),
                earlier_text(row).c_str());
  }

 private:
  // The earlier time over this one: above 1 means faster now.
  std::string earlier_text(const BenchRow& row) const {
    if (!earlier_) return {};
    const auto found = earlier_->find(key_of(row.group, row.name, report_name(row.provider.c_str())));
    if (found == earlier_->end()) return "        -";
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, " %7.2fx", found->second / row.timing.median_ns);
    return buffer;
  }

  std::optional<Earlier> earlier_;
  std::string clock_;  // "device", "model", or empty for the host's
  std::string group_, name_;
};

int run(const Options& options) {
  const Device device = options.device == "auto" ? default_device() : Device(options.device);
  backend(device);
  std::optional<Earlier> earlier;
  const std::string clock = bench_clock(device);
  if (!options.compare.empty()) earlier = read_earlier(options.compare, shown_clock(clock));
  for (const std::string& path : {options.csv, options.json}) {
    if (!path.empty()) AtomicFile{path};  // fail now rather than after minutes
  }
  check<ValueError>(options.csv.empty() || options.json.empty() || !is_same_output(options.csv, options.json),
                    "bench", "--csv and --json must name two files, got ", options.csv, " and ",
                    options.json);
  check<ValueError>(
      options.csv.empty() || options.compare.empty() || !is_same_output(options.csv, options.compare),
      "bench", "--csv and --compare must name two files, got ", options.csv, " and ", options.compare);

  const std::vector<BenchCase> cases =
      options.op_table ? op_table_cases() : layer_cases(device, options.batches);
  check<ValueError>(
      std::any_of(cases.begin(), cases.end(), [&](const BenchCase& c) { return matches(c, options.filter); }),
      "bench", "no row's name contains \"", options.filter, '"');
  const Environment environment = collect_environment();
  const Roofs roofs = measure_roofs(device);
  const std::vector<Accelerator>& gpus = environment.accelerators;
  const auto index = static_cast<std::size_t>(device.index());
  const std::string& model =
      !device.is_cpu() && index < gpus.size() ? gpus[index].name : environment.cpu.model;
  std::printf("%s on %s", device.name().c_str(), model.c_str());
  if (roofs.gflops > 0)
    std::printf(": at best %.0f GFLOP/s and %.1f GB/s, measured", roofs.gflops, roofs.gbytes);
  std::printf("\n");
  if (!clock.empty() && clock != "device")
    std::printf("Times are those of a %s, not of a GPU.\n", clock.c_str());

  std::string csv = csv_header(clock);
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  std::map<Disposition, int> counts;
  Table table(std::move(earlier), clock);
  const BenchOptions bench{
      device,
      {.budget_s = options.budget, .flush = options.flush ? std::optional(device) : std::nullopt},
      options.filter};
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    const auto interrupt = [](int caught) {  // a later Ctrl-C terminates the program
      interrupted = caught;
      std::signal(SIGINT, SIG_DFL);
    };
    if (std::signal(number, interrupt) == SIG_IGN && number == SIGHUP) std::signal(number, SIG_IGN);  // nohup
  }
  run_bench(cases, bench, roofs, [&](std::span<const BenchRow> results) {
    for (const BenchRow& row : results) {
      table.print(row);
      csv += to_csv(row);
      rows.push_back(to_json(row));
      ++counts[row.disposition];
    }
    std::fflush(stdout);
    return interrupted == 0;
  });

  std::printf("\n%d ok, %d declined, %d incorrect, %d failed\n", counts[Disposition::ok],
              counts[Disposition::declined], counts[Disposition::incorrect], counts[Disposition::failed]);
  std::exception_ptr failure;
  const auto write = [&](const std::string& path, const std::string& text) {
    if (path.empty()) return;
    try {
      replace_file(path, text);
      std::printf("written to %s\n", path.c_str());
    } catch (...) {  // thrown after the other file is written
      if (failure == nullptr) failure = std::current_exception();
    }
  };
  write(options.csv, csv);
  write(options.json, nlohmann::ordered_json{{"environment", to_json(environment)},
                                             {"device", device.name()},
                                             {"clock", shown_clock(clock)},
                                             {"roof_gflops", roofs.gflops},
                                             {"roof_gbytes", roofs.gbytes},
                                             {"cache_bytes", roofs.cache_bytes},
                                             {"rows", rows}}
                              .dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
                          '\n');
  if (failure != nullptr) std::rethrow_exception(failure);
  if (interrupted != 0) return 128 + interrupted;
  return counts[Disposition::incorrect] + counts[Disposition::failed] > 0 ? 1 : 0;
}

}  // namespace

Command bench_command(CommandLine& program) {
  Command command = program.add(
      "bench",
      "Verifies and times every provider of a device on the same calls. Status 1 if a result is wrong.");
  const auto options = std::make_shared<Options>();
  command.option("--device", &options->device, "auto, cpu, cuda or cuda:<index>");
  command.option("--batch", &options->batches, "batch sizes of the reference model's layers")
      .range(1, 65536)
      .separated_by_commas();
  command.flag("--ops", options->op_table,
               "the table of op cases (all ops, odd shapes) instead of the layers");
  command.option("--filter", &options->filter, "only rows whose \"group/name\" contains this text");
  command.flag("--flush", options->flush, "cold caches: flush the device's caches before each call");
  command.option("--budget", &options->budget, "seconds of timing for each row").between(0.001, 3600);
  command.option("--csv", &options->csv, "write the rows to this file");
  command.option("--json", &options->json, "write the rows, the machine and its roofs to this file");
  command.option("--compare", &options->compare, "show the speed against an earlier run's --json file");
  command.run = [options] { return run(*options); };
  return command;
}

}  // namespace metron::tools
