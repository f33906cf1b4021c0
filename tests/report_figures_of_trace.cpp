#include <gtest/gtest.h>
#include <metron/core/profiler/ranking.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "report_figures.h"
#include "trace_profile.h"

namespace metron::test {
namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

using ByStep = std::vector<double>;

// Times of each step by op, by op and kernel, and by phase.
struct StepTimes {
  std::map<std::string, ByStep> self_us, total_us, kernels_us, phases_us;
  std::map<std::string, double> calls;
};

void add(ByStep& times, std::size_t step, std::size_t steps, double us) {
  times.resize(steps);
  times[step] += us;
}

StepTimes step_times(const Profile& profile, const std::vector<RecordTimes>& times) {
  StepTimes found;
  const std::size_t steps = profile.steps.size();
  for (std::size_t i = 0; i < profile.records.size(); ++i) {
    const Record& record = profile.records[i];
    if (record.kind == RecordKind::range) continue;
    const std::int32_t op = op_of(profile, static_cast<std::int32_t>(i));
    const Record& owner = profile.records[op < 0 ? i : static_cast<std::size_t>(op)];
    const std::string name = owner.name + std::string(owner.phase == Phase::backward ? " backward" : "");
    std::size_t step = 0;
    while (step < steps && profile.steps[step].end < record.start) ++step;
    if (step == steps) {
      ADD_FAILURE() << name << " is outside of all steps";
      continue;
    }
    add(found.self_us[name], step, steps, times[i].self_ns * 1e-3);
    add(found.phases_us[name_of(owner.phase)], step, steps, times[i].self_ns * 1e-3);
    add(found.total_us[name], step, steps, 0);
    if (record.kind == RecordKind::op || op < 0) {
      found.total_us[name][step] += times[i].total_ns * 1e-3;
      found.calls[name] += 1.0 / static_cast<double>(steps);
    }
    if (record.kind == RecordKind::kernel)
      add(found.kernels_us[name + " > " + record.provider + '.' + record.name], step, steps,
          times[i].self_ns * 1e-3);
  }
  return found;
}

// Each half of the last digit of the trace, in ns, may be rounded the other way.
constexpr double rounding_us = 2e-3;

void expect_steps(const Json& batch, const Profile& profile, std::size_t rounds) {
  ASSERT_EQ(profile.steps.size(), batch.at("steps"));
  const std::vector<RecordTimes> times = corrected_times(profile);
  const StepTimes found = step_times(profile, times);
  std::vector<double> walls_us;
  for (const ProfiledStep& step : profile.steps)
    walls_us.push_back(static_cast<double>(step.end - step.start) * 1e-3);
  EXPECT_NEAR(batch.at("wall_us").get<double>(), median(walls_us), rounding_us);
  EXPECT_EQ(found.self_us.size(), batch.at("ops").size());
  for (const Json& op : batch.at("ops")) {
    const auto name = op.at("name").get<std::string>();
    ASSERT_TRUE(found.self_us.contains(name)) << name;
    const ByStep& self_us = found.self_us.at(name);
    EXPECT_NEAR(op.at("self_us").get<double>(), median(self_us), rounding_us) << name;
    EXPECT_NEAR(op.at("total_us").get<double>(), median(found.total_us.at(name)), rounding_us) << name;
    EXPECT_NEAR(op.at("calls").get<double>(), found.calls.at(name), 1e-9) << name;
    double lowest = std::numeric_limits<double>::infinity(), highest = 0;
    for (std::size_t r = 0; r < rounds; ++r) {
      const auto length = static_cast<std::ptrdiff_t>(self_us.size() / rounds);
      const auto begin = self_us.begin() + static_cast<std::ptrdiff_t>(r) * length;
      lowest = std::min(lowest, median({begin, begin + length}));
      highest = std::max(highest, median({begin, begin + length}));
    }
    EXPECT_NEAR(op.at("lowest_us").get<double>(), lowest, rounding_us) << name;
    EXPECT_NEAR(op.at("highest_us").get<double>(), highest, rounding_us) << name;
    for (const Json& kernel : op.at("kernels")) {
      const std::string key = name + " > " + kernel.at("provider").get<std::string>() + '.' +
                              kernel.at("name").get<std::string>();
      ASSERT_TRUE(found.kernels_us.contains(key)) << key;
      EXPECT_NEAR(kernel.at("self_us").get<double>(), median(found.kernels_us.at(key)), rounding_us) << key;
    }
  }
  for (const Json& phase : batch.at("phases")) {
    const auto name = phase.at("phase").get<std::string>();
    EXPECT_NEAR(phase.at("self_us").get<double>(), median(found.phases_us.at(name)), rounding_us) << name;
  }

  double self_ns = 0, peak_bytes = 0;
  for (std::size_t i = 0; i < times.size(); ++i)
    if (profile.records[i].kind != RecordKind::range) self_ns += times[i].self_ns;
  for (const MemoryEvent& event : profile.memory)
    peak_bytes = std::max(peak_bytes, static_cast<double>(std::max(event.live, event.live - event.delta)));
  const auto wall_ns = static_cast<double>(profile.wall_ns);
  EXPECT_NEAR(batch.at("self_part").get<double>(), self_ns / wall_ns, 1e-5);
  EXPECT_EQ(batch.at("peak_bytes"), peak_bytes);
}

// The median over the calls of the n-th op of its name and module in a pass.
void expect_graph(const Json& graph, const Json& trace, int process, const Profile& profile) {
  const std::vector<RecordTimes> times = corrected_times(profile);
  const std::vector<Slice> slices = nested_slices(trace, process);
  std::map<std::string, std::vector<double>> calls;  // by module and name
  for (std::size_t i = 0; i < slices.size(); ++i) {
    const Record& record = profile.records[i];
    if (record.kind != RecordKind::op || record.phase != Phase::forward) continue;
    double own_us = 0;
    for (std::size_t k = i; k < slices.size() && slices[k].start <= slices[i].end; ++k)
      if (op_of(profile, static_cast<std::int32_t>(k)) == static_cast<std::int32_t>(i))
        own_us += times[k].self_ns * 1e-3;
    calls[slices[i].event.at("args").value("module", "") + ':' + record.name].push_back(own_us);
  }
  std::map<std::string, std::size_t> per_pass, seen;
  const auto key_of = [](const Json& node) {
    return node.at("module").get<std::string>() + ':' + node.at("name").get<std::string>();
  };
  for (const Json& node : graph.at("nodes"))
    if (node.at("kind") == "op") ++per_pass[key_of(node)];
  for (const Json& node : graph.at("nodes")) {
    if (node.at("kind") != "op") continue;
    const std::string key = key_of(node);
    std::vector<double> own;
    for (std::size_t i = seen[key]++; i < calls[key].size(); i += per_pass[key]) own.push_back(calls[key][i]);
    ASSERT_FALSE(own.empty()) << key;
    EXPECT_NEAR(node.at("time_us").get<double>(), median(own), rounding_us) << key;
  }
}

}  // namespace

void expect_figures_of_trace(const Json& run, const Json& trace) {
  const Json& totals = trace.at("otherData").at("profiles");
  ASSERT_EQ(totals.size(), run.at("batches").size());
  for (const Json& batch : run.at("batches")) {
    SCOPED_TRACE("batch size " + batch.at("batch").dump());
    const int process = batch.at("trace_process");
    const Profile profile = profile_of(trace, totals.at(static_cast<std::size_t>(process) - 1), process);
    expect_steps(batch, profile, run.at("settings").at("rounds"));
    const Ranking ranking = rank(profile);
    EXPECT_NEAR(batch.at("timer_part").get<double>(), ranking.timer_us / ranking.wall_us, 1e-5);
    EXPECT_NEAR(batch.at("outside_part").get<double>(), ranking.outside_us / ranking.wall_us, 1e-5);
    if (batch.at("batch") == run.at("graph").at("batch"))
      expect_graph(run.at("graph"), trace, process, profile);
  }
}

void expect_flames_of_trace(const Json& page, const Json& run, const Json& trace) {
  int compared = 0;
  for (const Json& flame : page.at("flames")) {
    if (flame.at("cold").get<bool>()) continue;  // of processes that the trace does not have
    for (const Json& batch : run.at("batches")) {
      if (batch.at("batch") != flame.at("batch")) continue;
      ++compared;
      const int process = batch.at("trace_process");
      std::vector<std::int64_t> walls;
      for (const Json& step : events_of(trace, "X", "step", process)) walls.push_back(ns(step.at("dur")));
      std::sort(walls.begin(), walls.end());
      EXPECT_EQ(flame.at("wall_ns"), walls.at((walls.size() - 1) / 2));
      std::map<std::int64_t, Slice> records;
      for (const Slice& slice : nested_slices(trace, process))
        records.emplace(slice.event.at("args").at("record").get<std::int64_t>(), slice);
      for (const Json& event : flame.at("events")) {
        const Slice& slice = records.at(event.at(8).get<std::int64_t>());
        EXPECT_EQ(flame.at("names").at(event.at(1).get<std::size_t>()), slice.event.at("name"));
        EXPECT_EQ(event.at(7), slice.end - slice.start);
      }
    }
  }
  EXPECT_EQ(compared, static_cast<int>(run.at("batches").size()));
}

}  // namespace metron::test
