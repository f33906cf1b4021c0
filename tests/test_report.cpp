// The report: what run.json holds.
#include <gtest/gtest.h>
#include <metron/core/error.h>
#include <metron/tools/report/language.h>
#include <metron/tools/report/run.h>

#include <limits>

#include "expect_error.h"
#include "temporary_folder.h"

namespace metron::report {
namespace {

TEST(Run, IsReadBackAsItWasWritten) {
  Report report;
  report.complete = true;
  report.environment = {{"cpu", {{"model", "x"}}}};
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
  const nlohmann::ordered_json json = to_json(report);
  EXPECT_EQ(json.at("training").at("epochs"), 3);
  EXPECT_TRUE(json.at("training").at("seconds").is_null());
  EXPECT_TRUE(json.at("comparison").at(0).at("time_us").at(0).is_null());

  const TemporaryFolder folder;
  const Report read = load_run(folder.write("run.json", json.dump()));
  EXPECT_EQ(to_json(read), json);
  EXPECT_EQ(read.batches.at(0).ops.at(0).kernels.at(0).self_us, 12.5);
  EXPECT_EQ(read.comparison.at(0).rank.at(1), 1);
}

TEST(Run, RefusesWhatIsNoRun) {
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
  json["settings"]["seed"] = "one";
  load(json.dump());
  test::expect_error<IoError>([] { load_run("/nonexistent/run.json"); }, {"/nonexistent/run.json"});
}

TEST(Run, HoldsFiniteNumbersAlone) {
  Report report;
  report.seconds = std::numeric_limits<double>::quiet_NaN();
  test::expect_error<ValueError>([&] { to_json(report); }, {"finite"});
}

TEST(Language, PutsValuesIntoTexts) {
  EXPECT_EQ(english()("{1} of {0}, {2}", {"b", "a"}), "a of b, {2}");
  const Language other("xx", {{"loss", "verlies"}, {"{0} steps", "stappen: {0}"}});
  EXPECT_EQ(other("loss"), "verlies");
  EXPECT_EQ(other("{0} steps", {"3"}), "stappen: 3");
  EXPECT_EQ(other("{0} images", {"3"}), "3 images");
}

}  // namespace
}  // namespace metron::report
