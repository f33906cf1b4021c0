#include "report_figures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

namespace metron::test {
namespace {

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

void expect_near(const Json& value, double expected, const std::string& what) {
  EXPECT_NEAR(value.get<double>(), expected, 1e-9 * std::abs(expected) + 1e-12) << what;
}

// The clock by which a row is ranked.
double time_of(const Json& row) {
  return (row.at("device_us").is_null() ? row.at("self_us") : row.at("device_us")).get<double>();
}

void expect_rates(const Json& row, double time_us, const Json& roofs, const std::string& what) {
  if (!row.at("gflops").is_null())
    expect_near(row.at("gflops"), row.at("flops").get<double>() / time_us * 1e-3, what);
  if (!row.at("gbytes").is_null())
    expect_near(row.at("gbytes"), row.at("bytes").get<double>() / time_us * 1e-3, what);
  if (row.at("roof").is_null()) return;
  const double least_us = std::max(row.at("flops").get<double>() / roofs.at("gflops").get<double>(),
                                   row.at("bytes").get<double>() / roofs.at("gbytes").get<double>()) *
                          1e-3;
  expect_near(row.at("roof"), least_us / time_us, what + " roof");
}

void expect_batch(const Json& batch, const Json& run) {
  const double wall_us = batch.at("wall_us");
  expect_near(batch.at("images_per_second"), batch.at("batch").get<double>() / wall_us * 1e6, "images/s");
  EXPECT_EQ(batch.at("steps"),
            run.at("settings").at("steps").get<int>() * run.at("settings").at("rounds").get<int>());
  int rank = 0;
  double before = std::numeric_limits<double>::infinity();
  for (const Json& op : batch.at("ops")) {
    const auto name = op.at("name").get<std::string>();
    const double time_us = op.at("time_us");
    EXPECT_EQ(op.at("rank"), ++rank) << name;
    EXPECT_LE(time_us, before) << name;
    before = time_us;
    EXPECT_EQ(time_us, time_of(op)) << name;
    expect_near(op.at("share"), time_us / wall_us, name + " share");
    const bool on_device = batch.at("ranked_by") != "host";
    if (op.at("calls") > 0)
      expect_near(op.at("average_us"),
                  (on_device ? time_us : op.at("total_us").get<double>()) / op.at("calls").get<double>(),
                  name);
    EXPECT_LE(op.at("lowest_us"), time_us * (1 + 1e-9)) << name;
    EXPECT_GE(op.at("highest_us"), time_us * (1 - 1e-9)) << name;
    expect_rates(op, time_us, run.at("roofs"), name);
    for (const Json& kernel : op.at("kernels")) {
      const std::string what = name + " > " + kernel.at("name").get<std::string>();
      expect_near(kernel.at("share"), time_of(kernel) / wall_us, what + " share");
      expect_rates(kernel, time_of(kernel), run.at("roofs"), what);
    }
  }
  for (const Json& phase : batch.at("phases"))
    expect_near(phase.at("share"), time_of(phase) / wall_us, phase.at("phase").get<std::string>() + " share");
}

void expect_curve(const Json& curve) {
  const auto losses = curve.at("loss").get<std::vector<double>>();
  if (losses.empty()) return;
  const auto window = std::max(losses.size() / 10, std::size_t{1});
  EXPECT_EQ(curve.at("window"), window);
  ASSERT_EQ(curve.at("smoothed").size(), losses.size());
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const std::size_t first = i + 1 - std::min(i + 1, window);
    const std::vector<double> last(losses.begin() + static_cast<std::ptrdiff_t>(first),
                                   losses.begin() + static_cast<std::ptrdiff_t>(i + 1));
    expect_near(curve.at("smoothed")[i], sum(last) / static_cast<double>(last.size()), "smoothed loss");
  }
}

void expect_comparison(const Json& run) {
  std::size_t found = 0;
  for (const Json& row : run.at("comparison")) {
    for (std::size_t b = 0; b < run.at("batches").size(); ++b) {
      for (const Json& op : run.at("batches")[b].at("ops")) {
        if (op.at("name") != row.at("name") || op.at("phase") != row.at("phase")) continue;
        ++found;
        for (const char* field : {"time_us", "share", "rank"}) EXPECT_EQ(row.at(field)[b], op.at(field));
      }
    }
  }
  std::size_t ops = 0, points = 0;
  for (const Json& batch : run.at("batches")) ops += batch.at("ops").size();
  EXPECT_EQ(found, ops);
  for (const Json& point : run.at("roofline")) {
    for (const Json& batch : run.at("batches")) {
      if (batch.at("batch") != point.at("batch")) continue;
      for (const Json& op : batch.at("ops")) {
        for (const Json& kernel : op.at("kernels")) {
          if (op.at("name") != point.at("op") || kernel.at("name") != point.at("name") ||
              op.at("phase") != point.at("phase") || kernel.at("provider") != point.at("provider"))
            continue;
          ++points;
          EXPECT_EQ(point.at("share"), kernel.at("share"));
          EXPECT_EQ(point.at("gflops"), kernel.at("gflops"));
          expect_near(point.at("intensity"),
                      kernel.at("flops").get<double>() / kernel.at("bytes").get<double>(), "intensity");
        }
      }
    }
  }
  EXPECT_EQ(points, run.at("roofline").size());
}

}  // namespace

void expect_figures_of_run(const Json& run) {
  for (const Json& batch : run.at("batches")) {
    SCOPED_TRACE("batch size " + batch.at("batch").dump());
    expect_batch(batch, run);
  }
  expect_curve(run.at("training").at("curve"));
  expect_comparison(run);
  for (const Json& cold : run.at("cold")) {
    for (const Json& row : cold.at("initialization"))
      expect_near(row.at("share"), row.at("us").get<double>() / cold.at("cold_wall_us").get<double>(),
                  "share");
    for (const Json& op : cold.at("ops"))
      expect_near(op.at("initialization_us"),
                  std::max(op.at("cold_us").get<double>() - op.at("warm_us").get<double>(), 0.0),
                  op.at("name").get<std::string>());
  }
  for (const Json& faithful : run.at("faithful")) {
    int rank = 0;
    double before = std::numeric_limits<double>::infinity();
    for (const Json& row : faithful.at("rows")) {
      EXPECT_EQ(row.at("rank"), ++rank);
      EXPECT_LE(row.at("total_us"), before);
      before = row.at("total_us");
    }
  }
}

}  // namespace metron::test
