// The parts of the report: run.json, the ranking and its noise, the lab's names, the folder.
#include <gtest/gtest.h>
#include <metron/core/error.h>
#include <metron/tools/environment.h>
#include <metron/tools/reference/names.h>
#include <metron/tools/report/analyse/analyse.h>
#include <metron/tools/report/render/folder.h>
#include <metron/tools/report/render/language.h>
#include <metron/tools/report/render/markdown.h>
#include <metron/tools/report/render/pictures.h>
#include <metron/tools/report/render/terms.h>
#include <metron/tools/report/run.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "expect_error.h"
#include "json.h"
#include "run_command.h"
#include "sample_report.h"
#include "synthetic_profile.h"
#include "temporary_folder.h"

namespace metron::report {
namespace {

TEST(Run, RoundTrips) {
  Report report;
  report.complete = true;
  report.environment.text = R"({"cpu": {"model": "x"}})";
  report.settings.batch_sizes = {1, 64};
  report.training.curve = {
      .step = {1, 2}, .epoch = {1, 1}, .loss = {2.3, 2.1}, .smoothed = {2.3, 2.2}, .window = 2};
  report.training.epochs = 3;
  OpRow op;
  op.name = "conv2d";
  op.roof = 0.5;
  op.kernels.emplace_back().self_us = 12.5;
  report.batches.emplace_back().ops = {op};
  report.comparison.push_back(
      {"conv2d", "forward", {std::nullopt, 12.5}, {std::nullopt, 0.75}, {std::nullopt, 1}});
  const test::Json json = to_json(report);
  EXPECT_EQ(json.at("training").at("epochs"), 3);
  EXPECT_TRUE(json.at("training").at("seconds").is_null());
  EXPECT_TRUE(json.at("comparison").at(0).at("time_us").at(0).is_null());

  const TemporaryFolder folder;
  const Report read = load_run(folder.write("run.json", json.dump()));
  EXPECT_EQ(to_json(read), json);
  EXPECT_EQ(read.batches.at(0).ops.at(0).kernels.at(0).self_us, 12.5);
  EXPECT_EQ(read.comparison.at(0).rank.at(1), 1);
}

TEST(Run, RejectsOtherFiles) {
  const TemporaryFolder folder;
  const auto load = [&](const std::string& text) {
    const std::filesystem::path path = folder.write("x.json", text);
    test::expect_error<IoError>([&] { load_run(path); }, {"x.json"});
  };
  load("");
  load("{}");
  load(R"({"format": "metron profile", "version": 1})");
  load(R"({"format": "metron report", "version": 1, "complete": "yes"})");
  auto json = to_json(Report());
  for (const char* const seed : {"\"one\"", "-1", "1.5", "1e30", "18446744073709551616", "null", "true"}) {
    json["settings"]["seed"] = test::parse_json(seed);
    load(json.dump());
  }
  json = to_json(Report());
  json["settings"]["threads"] = 2147483648;
  load(json.dump());
  test::expect_error<IoError>([] { load_run("/nonexistent/run.json"); }, {"/nonexistent/run.json"});
}

TEST(Run, RejectsNonFiniteNumbers) {
  Report report;
  report.seconds = std::numeric_limits<double>::quiet_NaN();
  test::expect_error<ValueError>([&] { to_json(report); }, {"finite"});
}

// Of a diverged training.
TEST(Run, CarriesLossesThatAreNotFinite) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                   inf = std::numeric_limits<double>::infinity();
  Report report = test::sample_report();
  report.training.curve = {.step = {1, 2, 3, 4},
                           .epoch = {1, 1, 1, 1},
                           .loss = {2.5, inf, -inf, nan},
                           .smoothed = {2.5, inf, nan, -nan}};
  report.training.tests = {{1, 4, nan, 0.1}};
  const test::Json json = to_json(report);
  EXPECT_EQ(json.at("training").at("curve").at("loss").dump(), R"([2.5,"inf","-inf","nan"])");
  EXPECT_EQ(json.at("training").at("curve").at("smoothed").dump(), R"([2.5,"inf","nan","nan"])");
  const TemporaryFolder folder;
  const Report read = load_run(folder.write("run.json", to_json_text(report)));
  EXPECT_EQ(to_json(read), json);
  EXPECT_TRUE(std::isnan(read.training.tests.at(0).loss));
  EXPECT_TRUE(contains(to_markdown(read, english()), {"| nan |"}));
  for (const char* const text : {"2.5", "none", ""}) {
    auto bad = json;
    bad["training"]["curve"]["loss"][1] = text;
    test::expect_error<IoError>([&] { load_run(folder.write("bad.json", bad.dump())); },
                                {"bad.json", "a loss can't be"});
  }
  report.training.tests = {{1, 4, 2.5, nan}};
  EXPECT_EQ(to_json(report).at("training").at("tests").at(0).at("accuracy"), "nan");
}

TEST(Run, IsUtf8WhateverThePaths) {
  Report report;
  report.training.source = "caf\xe9";
  report.settings.command = {"metron", "report", "--out", "\xff"};
  const TemporaryFolder folder;
  EXPECT_EQ(load_run(folder.write("run.json", to_json_text(report))).training.source, "caf\xef\xbf\xbd");
}

TEST(Language, FormatsValuesIntoTexts) {
  EXPECT_EQ(english()("{1} of {0}, {2}", {"b", "a"}), "a of b, {2}");
  const Language other("xx", {{"loss", "verlies"}, {"{0} steps", "stappen: {0}"}});
  EXPECT_EQ(other("loss"), "verlies");
  EXPECT_EQ(other("{0} steps", {"3"}), "stappen: 3");
  EXPECT_EQ(other("{0} images", {"3"}), "3 images");
}

// ---- The ranking

using test::synthetic_profile;
using test::SyntheticOp;

// Three rounds of one step each with these op times.
BatchSection ranked(const std::vector<std::vector<SyntheticOp>>& rounds, double noise_ns = 0) {
  Profile profile = synthetic_profile(rounds);
  profile.cost.noise_ns = noise_ns;
  return rank_steps(sample_steps(profile), {.batch = 8, .rounds = rounds.size(), .roofs = {100, 10, 0}});
}

std::vector<std::string> names_of(const BatchSection& section) {
  std::vector<std::string> names;
  for (const OpRow& op : section.ops) names.push_back(op.name + (op.rank_known ? "" : "?"));
  return names;
}

TEST(Ranks, FollowTimes) {
  const auto round = [](std::int64_t conv, std::int64_t linear) {
    return std::vector<SyntheticOp>{{"conv2d", Phase::forward, 100, "conv2d_forward", conv, 4e6, 1000},
                                    {"linear", Phase::forward, 100, "matmul", linear},
                                    {"relu", Phase::forward, 50}};
  };
  const BatchSection large = ranked({round(9000, 2000), round(9100, 2100), round(8900, 1900)});
  EXPECT_EQ(names_of(large), (std::vector<std::string>{"conv2d", "linear", "relu"}));
  const OpRow& conv = large.ops.front();
  EXPECT_DOUBLE_EQ(conv.self_us, 9.1);
  EXPECT_DOUBLE_EQ(conv.total_us, 9.1);
  EXPECT_DOUBLE_EQ(conv.lowest_us, 9.0);
  EXPECT_DOUBLE_EQ(conv.highest_us, 9.2);
  EXPECT_DOUBLE_EQ(*conv.gflops, 4e6 / 9.1 * 1e-3);
  EXPECT_DOUBLE_EQ(*conv.roof, 4e6 / 100 / 9100);
  EXPECT_EQ(conv.roof_kind, "compute");
  EXPECT_EQ(conv.provider, "onednn");
  EXPECT_EQ(conv.reference_name, "conv2d");
  EXPECT_EQ(large.ops[1].reference_name, "addmm");
  EXPECT_FALSE(large.ops[2].gflops);
  // The same program with a tiny convolution: only the times matter.
  const BatchSection small = ranked({round(90, 2000), round(91, 2100), round(89, 1900)});
  EXPECT_EQ(names_of(small), (std::vector<std::string>{"linear", "conv2d", "relu"}));
}

TEST(Ranks, AreUnresolvedWithinTheNoise) {
  const auto round = [](std::int64_t a, std::int64_t b, std::int64_t c) {
    return std::vector<SyntheticOp>{
        {"exp", Phase::forward, a}, {"log", Phase::forward, b}, {"sqrt", Phase::backward, c}};
  };
  // log's slowest round is slower than exp's fastest. sqrt is far from both.
  EXPECT_EQ(names_of(ranked({round(500, 400, 100), round(510, 490, 110), round(480, 410, 90)})),
            (std::vector<std::string>{"exp?", "log?", "sqrt backward"}));
  // Apart, but by no more than the error of a single call.
  EXPECT_EQ(names_of(ranked({round(500, 400, 100), round(500, 400, 100), round(500, 400, 100)}, 99)),
            (std::vector<std::string>{"exp", "log", "sqrt backward"}));
  EXPECT_EQ(names_of(ranked({round(500, 400, 100), round(500, 400, 100), round(500, 400, 100)}, 101)),
            (std::vector<std::string>{"exp?", "log?", "sqrt backward"}));
  // Two rounds are too few to resolve anything.
  EXPECT_EQ(names_of(ranked({round(500, 400, 100), round(500, 400, 100)})),
            (std::vector<std::string>{"exp?", "log?", "sqrt backward?"}));
  const BatchSection section = ranked({round(500, 400, 100), round(510, 490, 110), round(480, 410, 90)});
  EXPECT_EQ(section.ops[2].phase_rank, 1);
  EXPECT_TRUE(section.ops[2].phase_rank_known);
  EXPECT_EQ(section.ops[2].rank, 3);
}

TEST(Ranks, UseDeviceTimeIfAvailable) {
  Profile profile = synthetic_profile({{{"conv2d", Phase::forward, 100, "conv2d_forward", 9000},
                                        {"linear", Phase::forward, 100, "matmul", 100}}});
  profile.records[1].device_ns = 3000;
  profile.records[3].device_ns = 7000;
  const BatchSection section = rank_steps(sample_steps(profile), {.batch = 1, .rounds = 1, .roofs = {}});
  EXPECT_EQ(section.ranked_by, "device");
  EXPECT_EQ(section.ops[0].name, "linear");
  EXPECT_EQ(section.ops[0].device_us, 7.0);
  EXPECT_DOUBLE_EQ(section.ops[0].time_us, 7.0);
  EXPECT_DOUBLE_EQ(section.ops[1].self_us, 9.1);
  EXPECT_FALSE(section.ops[0].roof);  // no measured roof
  EXPECT_EQ(section.ops[0].roof_kind, "");
}

TEST(Comparison, HasEveryOpOfEveryBatchSize) {
  std::vector<BatchSection> batches{ranked({{{"exp", Phase::forward, 10}, {"log", Phase::forward, 30}}}),
                                    ranked({{{"exp", Phase::forward, 60}, {"sqrt", Phase::forward, 20}}})};
  const std::vector<ComparisonRow> rows = compare_batches(batches);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].name, "exp");
  EXPECT_EQ(rows[1].name, "sqrt");
  EXPECT_EQ(rows[2].name, "log");
  EXPECT_EQ(rows[0].rank, (std::vector<std::optional<int>>{2, 1}));
  EXPECT_FALSE(rows[1].time_us[0]);
  EXPECT_DOUBLE_EQ(*rows[0].share[1], batches[1].ops[0].share);
}

TEST(Cold, NamesTheLibraryThatInitializes) {
  const auto step = [](std::int64_t conv) {
    return synthetic_profile(
        {{{"conv2d", Phase::forward, 100, "conv2d_forward", conv}, {"relu", Phase::forward, 70}}});
  };
  const ColdSection section =
      compare_cold(sample_steps(step(90'000)), sample_steps(step(9'000)), 8, {{"onednn", "oneDNN 2.6"}});
  ASSERT_EQ(section.initialization.size(), 1u);
  EXPECT_EQ(section.initialization[0].library, "oneDNN 2.6");
  EXPECT_DOUBLE_EQ(section.initialization[0].us, 81);
  EXPECT_NEAR(section.initialization[0].share, 81. / section.cold_wall_us, 1e-12);
  EXPECT_EQ(section.ops[0].name, "conv2d");
  EXPECT_DOUBLE_EQ(section.ops[0].initialization_us, 81);
  EXPECT_DOUBLE_EQ(section.ops[1].initialization_us, 0);
}

// The first product initializes a library. Without that, it is no slower than its kernel.
Profile with_start() {
  Profile profile = synthetic_profile({{{"conv2d", Phase::forward, 1000, "conv2d_forward", 9000},
                                        {"linear", Phase::forward, 100, "matmul", 30'500}}});
  Record start = profile.records[3];
  start.kind = RecordKind::range;
  start.name = "oneDNN initialization";
  start.parent = 3;
  start.end = start.start + 30'000;
  profile.records.push_back(start);
  return profile;
}

TEST(Cold, AttributesInitializationToItsLibrary) {
  const StepSamples warm =
      sample_steps(synthetic_profile({{{"conv2d", Phase::forward, 1000, "conv2d_forward", 8000},
                                       {"linear", Phase::forward, 100, "matmul", 400}}}));
  const ColdSection section = compare_cold(sample_steps(with_start()), warm, 8, {{"onednn", "oneDNN 2.6"}});
  ASSERT_EQ(section.initialization.size(), 1u);
  EXPECT_NEAR(section.initialization[0].start_us, 30, 1e-9);
  EXPECT_NEAR(section.initialization[0].us, 30 + 1 + 0.1, 1e-9);
  EXPECT_EQ(section.ops[1].name, "linear");
  EXPECT_NEAR(section.ops[1].cold_us, 0.6, 1e-9);
}

TEST(Faithful, ExcludesLibraryInitialization) {
  const FaithfulSection section = rank_faithful(sample_steps(with_start()), 64);
  ASSERT_EQ(section.rows.size(), 3u);
  EXPECT_EQ(section.rows[0].op, "conv2d");
  EXPECT_EQ(section.rows[2].op, "addmm");
  EXPECT_NEAR(section.rows[2].total_us, 0.6, 1e-9);
  ASSERT_EQ(section.starts.size(), 1u);
  EXPECT_EQ(section.starts[0].name, "oneDNN initialization");
  EXPECT_EQ(section.starts[0].op, "linear");
  EXPECT_NEAR(section.starts[0].us, 30, 1e-9);
}

// ---- The lab's method

TEST(Faithful, HasTheReferenceNamesButNotItsOrder) {
  const auto pass = [](std::int64_t conv, std::int64_t linear) {
    return sample_steps(synthetic_profile({{{"conv2d", Phase::forward, 1000, "conv2d_forward", conv},
                                            {"relu", Phase::forward, 100, "unary", 500},
                                            {"dropout2d", Phase::forward, 100, "dropout", 800},
                                            {"linear", Phase::forward, 100, "matmul", linear},
                                            {"log_softmax", Phase::forward, 50, "softmax", 150}}}));
  };
  const auto rows = [](const FaithfulSection& section) {
    std::vector<std::string> names;
    for (const FaithfulRow& row : section.rows) names.push_back(row.op);
    return names;
  };
  const FaithfulSection lab = rank_faithful(pass(90'000, 5000), 64);
  EXPECT_EQ(rows(lab), (std::vector<std::string>{"conv2d", "convolution", "addmm", "feature_dropout", "relu",
                                                 "threshold", "log_softmax", "_log_softmax"}));
  EXPECT_DOUBLE_EQ(lab.rows[0].total_us, 91);  // included in its parent again
  EXPECT_DOUBLE_EQ(lab.rows[1].total_us, 90);
  EXPECT_EQ(lab.rows[1].source, "conv2d > onednn.conv2d_forward");
  EXPECT_EQ(lab.rows[2].reference_rank, 5);
  EXPECT_EQ(lab.rows[2].reference_us, 370.241);
  EXPECT_EQ(lab.reference.size(), 31u);
  const FaithfulSection other = rank_faithful(pass(1000, 70'000), 64);
  EXPECT_EQ(rows(other)[0], "addmm");
  EXPECT_EQ(rows(other)[1], "conv2d");
  EXPECT_TRUE(rank_faithful(pass(1000, 1000), 5).reference.empty());

  const auto tau = [&](std::int64_t conv, std::int64_t linear) {
    const BatchSamples samples{64, 1, pass(conv, linear), pass(conv, linear), pass(conv, linear)};
    const std::vector<Correlation> all = correlate({samples});
    EXPECT_EQ(all.at(0).kind, "faithful-reference");
    EXPECT_EQ(all.at(0).items, 8);
    return *all.at(0).tau;
  };
  EXPECT_GT(tau(90'000, 5000), 0.9);
  EXPECT_LT(tau(100, 70'000), tau(90'000, 5000));
}

TEST(Reference, ParsesAsWritten) {
  EXPECT_EQ(tools::reference_entries().size(), 93u);
  EXPECT_EQ(tools::reference_entries().front().op, "conv2d");
  EXPECT_EQ(tools::reference_entries().front().total_us, 127013.795);
  test::expect_error<ValueError>([] { tools::parse_reference("a,b\n"); }, {"batch_size,rank,op,total_us"});
  test::expect_error<ValueError>(
      [] { tools::parse_reference("batch_size,rank,op,total_us\n1,x,conv2d,3\n"); }, {"x"});
}

// ---- Text

TEST(Markdown, MarksEmulatedDevicesAndFakes) {
  Report report;
  report.environment.text = tools::to_json_text(tools::collect_environment());
  report.settings.batch_sizes = {8};
  report.batches.push_back(ranked({{{"conv2d", Phase::forward, 100, "conv2d_forward", 9000}}}));
  report.batches[0].batch = 8;
  report.comparison = compare_batches(report.batches);
  report.settings.emulated = true;
  report.settings.fakes = {"onednn"};
  report.notes = {make_note("emulated", {"cuda:0"}), make_note("fakes", {"onednn"})};
  report.cold.emplace_back().ops.emplace_back().cold_us = 5;
  const std::string text = to_markdown(report, english());
  EXPECT_TRUE(
      contains(text, {"self µs (emulated)", "step µs (emulated)", "lowest round µs (emulated)",
                      "highest round µs (emulated)", "images/s (emulated)", "onednn (fake)",
                      "say nothing about a GPU", "Providers onednn are fakes, not the vendor's libraries"}));
  EXPECT_EQ(text.find("device µs"), std::string::npos);
  EXPECT_EQ(text.find("| self µs |"), std::string::npos);
  EXPECT_EQ(batch_chart(report, english()).value.label, "share of the wall time, % (emulated)");
  EXPECT_EQ(cold_chart(report, english()).value.label, "time in a step, µs (emulated)");
}

TEST(Markdown, CallsModeledTimesSo) {
  Report report = test::sample_report(true);
  report.settings.emulated = true;
  for (BatchSection& batch : report.batches) batch.ranked_by = "model";
  report.notes = {make_note("modeled", {"cuda:0"})};
  for (const std::string& text : {to_markdown(report, english()), ranking_csv(report.batches.front())}) {
    EXPECT_NE(text.find("model"), std::string::npos) << text;
    EXPECT_EQ(text.find("device µs"), std::string::npos) << text;
    EXPECT_EQ(text.find("device_us"), std::string::npos) << text;
  }
  EXPECT_TRUE(
      contains(to_markdown(report, english()), {"model µs", "its device times are those of a model"}));
}

TEST(Ranks, UseTheModelIfTheClockIsOne) {
  Profile profile = synthetic_profile({{{"conv2d", Phase::forward, 100, "conv2d_forward", 9000}}});
  profile.records[1].device_ns = 3000;
  profile.device_clock = "model of a device";
  profile.cost.device_ns = 1000;
  const BatchSection section = rank_steps(sample_steps(profile), {.batch = 1, .rounds = 1, .roofs = {}});
  EXPECT_EQ(section.ranked_by, "model");
  EXPECT_DOUBLE_EQ(section.ops[0].time_us, 2);  // without the empty interval
  EXPECT_DOUBLE_EQ(section.ops[0].average_us, 2);
}

TEST(Markdown, ReportsOnlyTheTrainingSeed) {
  Report report = test::sample_report();
  report.training.seed = 11;
  report.settings.seed = 7;
  EXPECT_TRUE(contains(to_markdown(report, english()), {"seed 11."}));
  report.training.seed.reset();
  EXPECT_TRUE(contains(to_markdown(report, english()), {"seed unknown."}));
}

TEST(Markdown, TranslatesTermsWithNumbers) {
  Report report = test::sample_report();
  report.notes = {make_note("interrupted", {"providers side by side"})};
  report.settings.model = "reference CNN, conv1 4";
  const std::string text = to_markdown(report, chinese());
  for (const char* term :
       {"各提供者对比”阶段", "参考 CNN, conv1 4", "按实验方法，批大小 16", "热，批大小 64"})
    EXPECT_NE(text.find(term), std::string::npos) << term;
  EXPECT_EQ(text.find("faithful, batch"), std::string::npos);
}

// Parsed by a shell.
TEST(ShellLine, IsQuotedWhereNeeded) {
  EXPECT_EQ(shell_line({}, {"metron", "report", "--batch", "1,16"}), "metron report --batch 1,16");
  const std::vector<std::string> words{"two words", "", "it's", "$HOME `x` \"y\"", "*"};
  std::vector<std::string> command{"printf", "%s|"};
  command.insert(command.end(), words.begin(), words.end());
  const test::Output output =
      test::run_command(shell_line({"OMP_PLACES={0:2}, {3}"}, command) + " && " +
                        shell_line({"METRON_A=b c"}, {"sh", "-c", "printf %s \"$METRON_A\""}));
  EXPECT_EQ(output.text, "two words||it's|$HOME `x` \"y\"|*|b c");
}

TEST(ShellLine, KeepsBytesThatAreNotUtf8) {
  const std::string word = "a\xff'\\\n\xc3\xa9\x80";
  const std::string line = shell_line({}, {"printf", "%s", word});
  EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; }))
      << line;
  const TemporaryFolder folder;
  EXPECT_EQ(test::run_command("bash '" + folder.write("script", line).string() + "'").text, word);
  EXPECT_EQ(shell_line({}, {"caf\xc3\xa9"}), "'caf\xc3\xa9'");
}

// ---- The folder

TEST(ReportFolder, MayHaveANameOf255Bytes) {
  const TemporaryFolder parent;
  const std::string name(255, 'n');
  for (int i = 0; i < 2; ++i) {
    ReportFolder folder(parent / name);
    folder.write("run.json", to_json(Report()).dump());
    folder.commit();
  }
  EXPECT_EQ(parent.names(), std::vector<std::string>{name});
}

TEST(ReportFolder, AppearsAtomically) {
  const TemporaryFolder parent;
  {
    ReportFolder folder(parent / "report");
    folder.write("report.md", "text");
  }
  EXPECT_TRUE(parent.names().empty()) << "an unfinished report left files behind";
  {
    ReportFolder folder(parent / "report/");
    folder.write("report.md", "text");
    std::filesystem::create_directory(folder.scratch());
    folder.commit();
  }
  EXPECT_EQ(parent.names(), std::vector<std::string>{"report"});
  EXPECT_EQ(read_file(parent / "report" / "report.md"), "text");
  EXPECT_FALSE(std::filesystem::exists(parent / "report" / "scratch"));
}

TEST(ReportFolder, ReplacesAnEarlierReportAndNothingElse) {
  const TemporaryFolder parent;
  const auto write = [&](const std::vector<std::string>& names) {
    ReportFolder folder(parent / "report");
    Report report;
    for (const std::string& name : names) {
      folder.write(name, "new");
      report.files.push_back({name, ""});
    }
    report.files.push_back({"run.json", ""});
    report.files.push_back({"../outside", ""});  // must not be trusted
    folder.write("run.json", to_json(report).dump());
    folder.commit();
  };
  write({"a.md", "ranking-3.csv"});
  parent.write("outside", "mine");
  parent.write("report/mine.txt", "mine");
  write({"a.md"});
  EXPECT_FALSE(std::filesystem::exists(parent / "report" / "ranking-3.csv"));
  std::filesystem::permissions(parent / "report" / "a.md", std::filesystem::perms(0600));
  write({"a.md"});
  EXPECT_EQ(std::filesystem::status(parent / "report" / "a.md").permissions(), std::filesystem::perms(0600));
  EXPECT_EQ(read_file(parent / "report" / "mine.txt"), "mine");
  EXPECT_EQ(read_file(parent / "outside"), "mine");
  EXPECT_EQ(parent.names().size(), 2u);
}

TEST(ReportFolder, ReportsUnwritableFolders) {
  const TemporaryFolder parent;
  parent.write("file", "x");
  test::expect_error<IoError>([&] { ReportFolder(parent / "file"); }, {"file"});
  test::expect_error<IoError>([] { ReportFolder("/proc/report"); }, {"/proc/report"});
  std::filesystem::create_directory(parent / "full");
  parent.write("full/letter.txt", "x");
  test::expect_error<ValueError>([&] { ReportFolder(parent / "full"); }, {"full", "no earlier report"});
  EXPECT_EQ(parent.names().size(), 2u);
}

}  // namespace
}  // namespace metron::report
