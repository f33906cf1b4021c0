// All views of one modeled run show the same device times: a program's own ranking, the files of a profile,
// the trace, the report and the bench.
#include <gtest/gtest.h>
#include <metron/metron.h>
#include <metron/tools/bench/bench.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "json.h"
#include "run_command.h"
#include "temporary_folder.h"

namespace metron::test {
namespace {

constexpr char batch[] = "1";
constexpr char benched[] = "1 forward";  // a layer with a convolution, one with a matrix product, and others
constexpr double rounding = 1e-3;        // relative, of the host's clock in a slow device's time

// So slow that the host is ahead of it whenever a kernel is enqueued.
constexpr char slow_device[] = R"({"name": "slow device", "architecture": "sm_80", "sms": 8,
  "boost_clock_mhz": 10, "memory_gb": 4, "bandwidth_gb_per_s": 0.01, "l2_mb": 1, "tflops": {"fp32": 1},
  "launch_latency_us": 500, "event_resolution_us": 0.001, "event_cost_us": 0.5, "copy_engines": 2,
  "pcie_gb_per_s": 0.01, "sources": [{"title": "made up", "url": "https://example.org"}]})";

// Of an op, or "op > kernel": calls, and device time in us per call.
struct Row {
  double calls = 0, average_us = 0;
};
using Rows = std::map<std::string, Row>;

std::vector<std::string> split(const std::string& line, const std::string& separator) {
  std::vector<std::string> cells;
  std::size_t begin = 0;
  while (begin <= line.size()) {
    const std::size_t end = std::min(line.find(separator, begin), line.size());
    std::string cell = line.substr(begin, end - begin);
    cell.erase(0, cell.find_first_not_of(' '));
    cells.push_back(cell);
    begin = end + separator.size();
    if (separator == "  ") begin = std::min(line.find_first_not_of(' ', end), line.size() + 1);
  }
  return cells;
}

// The warm rows of a printed ranking that have device time.
Rows rows_of_table(const std::string& text) {
  Rows rows;
  std::istringstream lines(text);
  std::string line, op;
  while (std::getline(lines, line) && !line.starts_with("rank  op")) continue;
  EXPECT_NE(line.find(" model ms "), std::string::npos) << line;
  const std::size_t name_at = line.find("op, with");
  while (std::getline(lines, line) && line.find("model busy") == std::string::npos) {
    if (line.size() <= name_at) continue;
    const bool is_kernel = line.compare(name_at, 2, "  ") == 0;
    // Name, calls, model ms, share, average us, ...
    const std::vector<std::string> cells = split(line.substr(name_at + (is_kernel ? 2 : 0)), "  ");
    if (!is_kernel) op = cells.front();
    if (cells.size() < 5 || cells[2] == "-") continue;
    rows[is_kernel ? op + " > " + cells[0] : op] = {std::stod(cells[1]), std::stod(cells[4])};
  }
  return rows;
}

Rows rows_of_ranking(const Ranking& ranking) {
  Rows rows;
  std::string op;
  for (const RankingRow& row : ranking.rows) {
    if (!row.is_kernel) op = row.name;
    if (row.calls > 0 && row.device_us > 0)
      rows[row.is_kernel ? op + " > " + row.name : op] = {double(row.calls), row.average_us()};
  }
  return rows;
}

Rows rows_of_csv(const std::filesystem::path& path) {
  Rows rows;
  std::istringstream lines(read_file(path));
  std::string line, op;
  std::getline(lines, line);
  const std::vector<std::string> header = split(line, ",");
  const auto column = [&](const char* name) {
    const auto found = std::find(header.begin(), header.end(), name);
    EXPECT_NE(found, header.end()) << name;
    return static_cast<std::size_t>(found - header.begin());
  };
  const std::size_t name = column("name"), calls = column("calls"), time = column("model_us");
  while (std::getline(lines, line)) {
    const std::vector<std::string> cells = split(line, ",");
    if (cells[0] != "op" && cells[0] != "kernel") continue;
    if (cells[0] == "op") op = cells[name];
    if (cells[time].empty() || cells[calls] == "0") continue;
    rows[cells[0] == "op" ? op : op + " > " + cells[name]] = {
        std::stod(cells[calls]), std::stod(cells[time]) / std::stod(cells[calls])};
  }
  return rows;
}

// From the events alone: nesting by time, the time of each kernel and copy less the clock's cost.
Rows rows_of_trace(const std::filesystem::path& path) {
  const Json trace = parse_json(read_file(path));
  const double cost_us = trace.at("otherData").at("timer_clock_ns").get<double>() * 1e-3;
  std::vector<Json> events;
  for (const Json& event : trace.at("traceEvents"))
    if (event.at("ph") == "X" && event.at("tid") == 1) events.push_back(event);
  Rows rows;
  std::vector<Json> open;
  const auto end = [](const Json& event) {
    return event.at("ts").get<double>() + event.at("dur").get<double>();
  };
  for (const Json& event : events) {
    while (!open.empty() && end(open.back()) <= event.at("ts").get<double>()) open.pop_back();
    const auto kind = event.at("cat").get<std::string>();
    if (kind.starts_with("op")) {
      open.push_back(event);
      if (!event.at("args").contains("first")) ++rows[event.at("name")].calls;
    }
    if (!event.at("args").contains("model_us")) continue;
    const std::string name =
        event.at("args").at("provider").get<std::string>() + '.' + event.at("name").get<std::string>();
    const bool backward = kind.ends_with("backward");
    const Json& op = open.empty() ? event : open.back();
    const auto op_name = op.at("name").get<std::string>() + (open.empty() && backward ? " backward" : "");
    const double us = std::max(event.at("args").at("model_us").get<double>() - cost_us, 0.0);
    const auto add = [&](const std::string& row, bool is_call) {
      rows[row].calls += is_call ? 1 : 0;
      rows[row].average_us += us;  // divided at the end
    };
    if (!event.at("args").contains("first")) add(op_name + " > " + name, true);
    if (!op.at("args").contains("first")) add(op_name, open.empty());
  }
  for (auto& [name, row] : rows)
    if (row.calls > 0) row.average_us /= row.calls;
  std::erase_if(rows, [](const auto& row) { return row.second.average_us == 0; });
  return rows;
}

// Every row of `some` is in `all`, with the same time within the relative tolerance and the last digit.
void expect_contains(const Rows& some, const Rows& all, double digit_us, double tolerance = 0) {
  EXPECT_GT(some.size(), 20U);
  for (const auto& [name, row] : some) {
    const auto found = all.find(name);
    if (found == all.end()) {
      ADD_FAILURE() << "no row " << name;
      continue;
    }
    EXPECT_NEAR(row.average_us, found->second.average_us, digit_us + tolerance * row.average_us) << name;
  }
}

// Of one profile: the same rows, with the same calls.
void expect_same(const Rows& rows, const Rows& others, double digit_us, double tolerance = 0) {
  expect_contains(rows, others, digit_us, tolerance);
  EXPECT_EQ(rows.size(), others.size());
  for (const auto& [name, row] : others) {
    const auto found = rows.find(name);
    EXPECT_EQ(row.calls, found == rows.end() ? 0 : found->second.calls) << name;
  }
}

class ViewsOfAModeledRun : public testing::Test {
 protected:
  static Output run(const std::string& command) {
    const Output output =
        run_command("METRON_EMULATOR_DEVICE='" + (folder() / "slow.json").string() + "' " + command);
    EXPECT_EQ(output.code, 0) << output.text;
    return output;
  }
  static const TemporaryFolder& folder() {
    static const TemporaryFolder folder;
    static const std::filesystem::path model = folder.write("slow.json", slow_device);
    return folder;
  }
  static std::string training(const char* images) {
    return "'" MNIST_CNN
           "' --device cuda --separate-relu --epochs 1 --test-limit 1 --log-interval 100 --batch-size " +
           std::string(batch) + " --train-limit " + images;
  }
  // Of the last two training steps of three, by `metron profile`.
  static const Output& profiled() {
    static const Output output = run("'" METRON_COMMAND "' profile --wait 1 --steps 2 --top 0 --out '" +
                                     (folder() / "profile").string() + "' -- " + training("3"));
    return output;
  }
  static Profile profile() {
    profiled();
    return load_profile(folder() / "profile" / "profile.json");
  }
};

TEST_F(ViewsOfAModeledRun, FilesOfAProfileAgree) {
  const Ranking ranking = rank(profile());
  const Rows rows = rows_of_ranking(ranking);
  const std::filesystem::path files = folder() / "profile";
  expect_same(rows, rows_of_table(profiled().text), 0.006);
  expect_same(rows, rows_of_table(read_file(files / "ranking.txt")), 0.006);
  expect_same(rows, rows_of_csv(files / "ranking.csv"), 0, 1e-9);
  expect_same(rows, rows_of_trace(files / "trace.json"), 0, 1e-9);
  // The order is the device's.
  double above = std::numeric_limits<double>::infinity();
  for (const RankingRow& row : ranking.rows) {
    if (row.is_kernel) continue;
    EXPECT_LE(row.time_us(), above) << row.name;
    above = row.time_us();
  }
  // The work is on the device's track, one interval a record and none before the one before has ended.
  const Json trace = parse_json(read_file(files / "trace.json"));
  double busy_us = 0, free_at = 0;
  for (const Json& event : trace.at("traceEvents")) {
    if (event.at("ph") != "X" || event.at("tid") != 3) continue;
    EXPECT_GE(event.at("ts").get<double>(), free_at - 1e-3);
    free_at = event.at("ts").get<double>() + event.at("dur").get<double>();
    busy_us += event.at("dur").get<double>();
  }
  const DeviceUse& use = ranking.device;
  EXPECT_NEAR(busy_us, use.busy_us + use.copies_us + use.timer_us, rounding * busy_us);
  // The model's modules have the same sum, except for the optimizer and copies outside of modules.
  double in_modules_us = 0, in_ops_us = 0;
  for (const Record& record : profile().records)
    if (record.phase != Phase::optimizer && record.device_ns >= 0 && !record.first)
      in_ops_us += std::max(record.device_ns - profile().cost.device_ns, 0.0) * 1e-3;
  const std::vector<ModuleRow> modules = module_view(profile());
  for (const ModuleRow& row : modules)
    if (row.path.empty()) in_modules_us = row.forward_us + row.backward_us;
  EXPECT_NEAR(in_modules_us, in_ops_us, rounding * in_ops_us);
}

TEST_F(ViewsOfAModeledRun, TheProgramsOwnRankingAgrees) {
  const Output output = run(training("3") + " --profile");
  Rows rows = rows_of_ranking(rank(profile()));
  rows.erase("to");           // here it also reads the loss, after the last step
  rows.erase("decode_rows");  // whose traffic depends on where the images of a batch are stored
  rows.erase("decode_rows > cuda.decode_rows");
  expect_contains(rows, rows_of_table(output.text), 0.006, rounding);
}

TEST_F(ViewsOfAModeledRun, TheReportAgrees) {
  if (run_command("'" METRON_COMMAND "' report --help").code != 0)
    GTEST_SKIP() << "built without metron report";
  run("'" METRON_COMMAND "' report --device cuda --epochs 0 --batch " + std::string(batch) +
      " --rounds 1 --steps 2 --test-limit 1 --provider-budget 0 --out '" + (folder() / "report").string() +
      "'");
  const Json report = parse_json(read_file(folder() / "report" / "run.json"));
  const Json& section = report.at("batches").at(0);
  EXPECT_EQ(section.at("ranked_by"), "model");
  Rows rows;
  double above = std::numeric_limits<double>::infinity();
  for (const Json& op : section.at("ops")) {
    const auto name = op.at("name").get<std::string>();
    const double calls = op.at("calls"), us = op.at("device_us");
    EXPECT_LE(us, above) << name;
    above = us;
    if (us > 0) rows[name] = {calls, us / calls};
    for (const Json& kernel : op.at("kernels"))
      rows[name + " > " + kernel.at("provider").get<std::string>() + '.' +
           kernel.at("name").get<std::string>()] = {
          kernel.at("calls"), kernel.at("device_us").get<double>() / kernel.at("calls").get<double>()};
  }
  rows.erase("full");  // the gradient of the loss, which the program makes once
  rows.erase("full > cuda.fill");
  expect_contains(rows, rows_of_ranking(rank(profile())), 0.006, rounding);
}

// A row of the bench is a slot with operands: the records of the profile with these.
TEST_F(ViewsOfAModeledRun, TheBenchAgrees) {
  const std::filesystem::path file = folder() / "bench.json";
  const Output output =
      run("'" METRON_COMMAND "' bench --device cuda --budget 0.001 --batch " + std::string(batch) +
          " --filter '" + benched + "' --json '" + file.string() + "'");
  EXPECT_TRUE(contains(output.text, {"model of slow device, not of a GPU", "model", "host"}));
  const Json bench = parse_json(read_file(file));
  EXPECT_EQ(bench.at("clock"), "model of slow device");
  std::map<std::string, double> medians;
  for (const Json& row : bench.at("rows")) {
    if (row.at("provider") != "cuda") continue;
    EXPECT_EQ(row.at("clock"), "model");
    EXPECT_GT(row.at("host_ns").get<double>(), 0);
    medians[row.at("name")] = row.at("median_ns").get<double>();
  }
  const Profile recorded = profile();
  const auto key_of = [](const Profile& p, const Record& r) {
    return r.name + (' ' + p.strings.at(r.signature));
  };
  int compared = 0;
  for (const tools::BenchCase& c : tools::layer_cases(Device("cuda"), {std::stoi(batch)})) {
    if (!matches(c, benched)) continue;
    ++compared;
    Profiler profiler;
    const tools::BenchCall call = c.make(Device("cuda"), DType::float32);
    {
      const ProviderScope own("cuda");
      profiler.start();
      call.run();
      profiler.stop();
    }
    double expected_ns = 0;
    for (const Record& record : profiler.records()) {
      if (record.provider == nullptr) continue;
      const auto same = [&](const Record& r) {
        return r.device_ns >= 0 && !r.first && key_of(recorded, r) == key_of(profiler.profile(), record);
      };
      const auto found = std::find_if(recorded.records.begin(), recorded.records.end(), same);
      ASSERT_NE(found, recorded.records.end()) << c.name << ": " << key_of(profiler.profile(), record);
      expected_ns += found->device_ns - recorded.cost.device_ns;
    }
    ASSERT_TRUE(medians.contains(c.name)) << c.name;
    EXPECT_NEAR(medians.at(c.name), expected_ns, 5 + rounding * expected_ns) << c.name;
  }
  EXPECT_EQ(compared, 4);
}

}  // namespace
}  // namespace metron::test
