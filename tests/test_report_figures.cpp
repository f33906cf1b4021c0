// What the figures of a report promise: shares of the wall time, smoothing, axes, legible texts.
#include <gtest/gtest.h>
#include <metron/core/profiler/ranking.h>
#include <metron/tools/report/analyse/analyse.h>
#include <metron/tools/report/measure/experiment.h>
#include <metron/tools/report/render/markdown.h>
#include <metron/tools/report/render/pictures.h>

#include <cmath>
#include <limits>
#include <set>

#include "sample_report.h"
#include "synthetic_profile.h"

namespace metron::report {
namespace {

using test::synthetic_profile;

// Of ops, kernels, phases and points: of the wall time, which is not the sum of the rows.
TEST(Shares, AreOfTheWallTime) {
  Profile profile = synthetic_profile(
      {{{"conv2d", Phase::forward, 100, "conv2d_forward", 900, 4e6, 1000}, {"relu", Phase::backward, 500}}});
  profile.steps[0].end = profile.steps[0].start + 4000;
  profile.wall_ns = 4000;
  const auto ranked_steps = [&] {
    BatchSection section =
        rank_steps(sample_steps(profile), {.batch = 8, .rounds = 1, .roofs = {100, 10, 0}, .peak_bytes = 0});
    set_wall_parts(section, profile);
    return section;
  };
  const BatchSection host = ranked_steps();
  EXPECT_DOUBLE_EQ(host.wall_us, 4);
  EXPECT_DOUBLE_EQ(host.ops.at(0).share, 0.25);
  EXPECT_DOUBLE_EQ(host.ops.at(0).kernels.at(0).share, 0.225);
  EXPECT_DOUBLE_EQ(host.ops.at(1).share, 0.125);
  EXPECT_DOUBLE_EQ(host.phases.at(0).share, 0.25);
  EXPECT_DOUBLE_EQ(host.phases.at(1).share, 0.125);
  EXPECT_DOUBLE_EQ(host.phases.at(2).share, 0);
  EXPECT_DOUBLE_EQ(roofline_points({host}).at(0).share, 0.225);
  EXPECT_DOUBLE_EQ(host.self_part + host.timer_part + host.outside_part + host.waiting_part, 1);
  for (const RankingRow& row : rank(profile).rows)  // the terminal's
    EXPECT_DOUBLE_EQ(row.share, row.is_kernel ? 0.225 : row.name == "conv2d" ? 0.25 : 0.125) << row.name;
  EXPECT_NE(ranking_csv(host).find(",0.225,"), std::string::npos);

  profile.device_clock = "device";
  profile.records[1].device_ns = 3000;
  const BatchSection device = ranked_steps();
  EXPECT_DOUBLE_EQ(device.ops.at(0).share, 0.75);
  EXPECT_DOUBLE_EQ(device.ops.at(0).kernels.at(0).share, 0.75);
  EXPECT_DOUBLE_EQ(device.phases.at(0).share, 0.75);
}

TEST(Curves, AreSmoothedOverATenthOfTheSteps) {
  const auto curve_of = [](const std::vector<double>& losses) {
    models::Metrics metrics;
    for (const double loss : losses)
      metrics.rows.push_back(
          {.step = static_cast<std::int64_t>(metrics.rows.size()) + 1, .epoch = 1, .loss = loss});
    Training training;
    set_curves(training, metrics);
    return training.curve;
  };
  EXPECT_EQ(curve_of({}).window, 1);
  EXPECT_EQ(curve_of({3, 5}).smoothed, (std::vector<double>{3, 5}));
  std::vector<double> losses(47);
  for (std::size_t i = 0; i < losses.size(); ++i) losses[i] = static_cast<double>(i * i % 13);
  const Curve curve = curve_of(losses);
  EXPECT_EQ(curve.window, 4);
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const std::size_t count = std::min<std::size_t>(i + 1, 4);
    double sum = 0;
    for (std::size_t k = i + 1 - count; k <= i; ++k) sum += losses[k];
    EXPECT_EQ(curve.smoothed[i], sum / static_cast<double>(count)) << i;
  }
  // Neither a large value nor an infinity outlives its window.
  losses[10] = 1e30;
  losses[20] = std::numeric_limits<double>::infinity();
  const Curve spiked = curve_of(losses);
  EXPECT_FALSE(std::isfinite(spiked.smoothed[23]));
  for (const std::size_t i : {14, 19, 24, 46}) EXPECT_EQ(spiked.smoothed[i], curve.smoothed[i]) << i;
}

TEST(Markdown, SaysThatPartsAddUpOnlyIfTheyDo) {
  Report report = test::sample_report();
  EXPECT_NE(to_markdown(report, english()).find("add up to the wall time."), std::string::npos);
  report.batches[1].outside_part += 0.02;
  EXPECT_EQ(to_markdown(report, english()).find("add up to the wall time."), std::string::npos);
}

TEST(Roofline, HasNoEmptyDecadesAndNamesItsTopPoints) {
  Report report;
  report.roofs = {200, 20, std::nullopt};
  report.batches.resize(2);
  report.batches[0].batch = 1;
  report.batches[1].batch = 64;
  report.roofline = {{64, "small", "a", "forward", "cpu", 12, 30, 0.01, "memory"},
                     {64, "large", "b", "forward", "cpu", 40, 80, 0.5, "compute"},
                     {64, "large", "c", "forward", "cpu", 30, 60, 0.3, "compute"},
                     {1, "other", "d", "forward", "cpu", 20, 50, 0.9, "compute"}};
  const drawing::LineChart chart = roofline_chart(report, english());
  EXPECT_EQ(chart.x.low, 5);  // the ridge is at 10
  EXPECT_EQ(chart.x.high, 50);
  EXPECT_EQ(chart.y.low, 20);
  EXPECT_EQ(chart.y.high, 500);
  std::multiset<std::string> named;
  for (const drawing::Series& series : chart.series)
    for (const std::string& label : series.labels)
      if (!label.empty()) named.insert(label);
  EXPECT_EQ(named, (std::multiset<std::string>{"large", "small"}));
  report.roofs.gbytes = 0.02;  // the ridge is at 10,000
  EXPECT_EQ(roofline_chart(report, english()).x.high, 50);
}

TEST(Pictures, ShowASingleTestAsANumber) {
  Report report = test::sample_report();
  report.training.tests.resize(1);
  bool found = false;
  for (const Picture& picture : pictures(report, english())) {
    if (picture.name != "accuracy") continue;
    const drawing::Canvas canvas = picture.draw(drawing::light_theme());
    for (const drawing::TextBox& text : canvas.texts()) found |= text.text == "98.42 %";
    EXPECT_EQ(canvas.texts().size(), 3u);  // no axis
  }
  EXPECT_TRUE(found);
}

// WCAG's contrast of every text with what is below it, in the pictures.
TEST(Pictures, HaveLegibleTexts) {
  constexpr double least = 4.5;
  for (const drawing::Theme* theme : {&drawing::light_theme(), &drawing::dark_theme()}) {
    for (const drawing::Color& below : {theme->background, theme->panel, theme->grid}) {
      EXPECT_GE(contrast(theme->ink, below), least);
      EXPECT_GE(contrast(theme->muted, below), least);
      EXPECT_GE(contrast(theme->mark, below), least);
    }
    EXPECT_GE(contrast(theme->series(0), theme->background), least);  // links
    for (int i = 0; i <= 20; ++i) EXPECT_GE(contrast(theme->ink, theme->heat(i / 20.0)), least) << i;
  }
  EXPECT_DOUBLE_EQ(contrast(drawing::Color::hex(0), drawing::Color::hex(0xFFFFFF)), 21);
}

}  // namespace
}  // namespace metron::report
