// The trace in Chrome's trace event format: nesting, flow arrows, counters, totals, size, and loading in
// Perfetto.
#include <gtest/gtest.h>
#include <metron/core/internal/file_reader.h>
#include <metron/layers/models/mnist_cnn.h>
#include <metron/metron.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "expect_error.h"
#include "json.h"
#include "run_command.h"
#include "temporary_folder.h"
#include "trace_profile.h"

namespace metron {
namespace {

using test::events_of;
using test::Json;
using test::nested_slices;
using test::ns;
using test::profile_of;
using test::Slice;

// Ten training steps of the reference CNN at batch size 64, as in the lab.
const Profile& reference_profile() {
  static const Profile profile = [] {
    manual_seed(1);
    models::MnistCnn net;
    Adadelta optimizer(net.parameters(), {});
    const Tensor images = rand_normal({64, 1, 28, 28}), labels = Tensor::full({64}, 3, {DType::int64});
    Profiler profiler({.warmup = 1, .active = 10});
    profiler.start();
    while (profiler.running()) {
      const ProfileRange range("training step");
      optimizer.zero_grad();
      nll_loss(net(images), labels).backward();
      optimizer.step();
      profiler.step();
    }
    Profile result = profiler.profile();
    result.program = "the reference \"CNN\"\n";
    return result;
  }();
  return profile;
}

const Json& reference_trace() {
  static const Json trace = test::parse_json(to_trace(reference_profile()));
  return trace;
}

TEST(Trace, HasTheFieldsOfTheFormat) {
  const Json& trace = reference_trace();
  std::set<std::string> types;
  for (const Json& event : trace.at("traceEvents")) {
    const auto type = event.at("ph").get<std::string>();
    types.insert(type);
    EXPECT_TRUE(event.at("pid").is_number_integer());
    EXPECT_TRUE(event.at("tid").is_number_integer());
    EXPECT_TRUE(event.at("name").is_string());
    if (type != "M") {
      EXPECT_GE(event.at("ts").get<double>(), 0);
    }
    if (type == "X") {
      EXPECT_GE(event.at("dur").get<double>(), 0);
    }
    if (type == "s" || type == "f") {
      EXPECT_TRUE(event.at("id").is_number_integer());
    }
  }
  EXPECT_EQ(types, (std::set<std::string>{"M", "X", "s", "f", "C"}));
  EXPECT_EQ(events_of(trace, "X", "step").size(), 10u);
  bool named = false;
  for (const Json& event : events_of(trace, "M"))
    named |= event.at("name") == "process_name" && event.at("args").at("name") == reference_profile().program;
  EXPECT_TRUE(named);
}

TEST(Trace, NestsLikeTheRecords) {
  const std::vector<Record>& records = reference_profile().records;
  const std::vector<Slice> slices = nested_slices(reference_trace());
  ASSERT_EQ(slices.size(), records.size());
  for (std::size_t i = 0; i < slices.size(); ++i) {
    EXPECT_EQ(slices[i].event.at("args").at("record"), i);
    EXPECT_EQ(slices[i].parent, records[i].parent) << slices[i].event;
    EXPECT_EQ(slices[i].end - slices[i].start, records[i].end - records[i].start);
  }
}

TEST(Trace, FlowArrowsConnectEachOpToItsBackward) {
  const std::vector<Record>& records = reference_profile().records;
  const std::vector<Json> begins = events_of(reference_trace(), "s"),
                          ends = events_of(reference_trace(), "f");
  ASSERT_EQ(begins.size(), ends.size());
  std::map<std::int64_t, const Json*> by_id;
  for (const Json& begin : begins) EXPECT_TRUE(by_id.emplace(begin.at("id"), &begin).second);
  std::set<std::int32_t> forwards;
  for (const Json& end : ends) {
    ASSERT_TRUE(by_id.contains(end.at("id").get<std::int64_t>()));
    EXPECT_EQ(end.at("bp"), "e");
    const Record& backward = records.at(end.at("id").get<std::size_t>());
    const Record& forward = records.at(static_cast<std::size_t>(backward.forward));
    EXPECT_EQ(ns(end.at("ts")), backward.start - reference_profile().start);
    EXPECT_EQ(ns(by_id[end.at("id")]->at("ts")), forward.start - reference_profile().start);
    EXPECT_EQ(backward.phase, Phase::backward);
    EXPECT_EQ(forward.phase, Phase::forward);
    EXPECT_STREQ(backward.name, forward.name);
    EXPECT_TRUE(forwards.insert(backward.forward).second) << "two arrows from one op";
  }
  // nll_loss, log_softmax, 2 linear, 3 relu, 2 dropout, flatten, contiguous, max_pool2d, 2 conv2d
  EXPECT_EQ(forwards.size(), 10u * 14u);
}

TEST(Trace, HasAMemoryCounterForEveryEvent) {
  const std::vector<Json> counts = events_of(reference_trace(), "C");
  const std::vector<MemoryEvent>& memory = reference_profile().memory;
  ASSERT_EQ(counts.size(), memory.size());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    EXPECT_EQ(counts[i].at("name"), "cpu memory");
    EXPECT_EQ(counts[i].at("args").at("live bytes"), memory[i].live);
  }
}

// The trace alone reproduces the ranking: times, shares, calls, work.
TEST(Trace, ReproducesTheRanking) {
  Profile rebuilt = profile_of(reference_trace(), reference_trace().at("otherData"), 1);
  // The counter shows live bytes after an event, so the first event's change is unknown.
  rebuilt.memory.front().delta = reference_profile().memory.front().delta;
  EXPECT_EQ(rank(rebuilt).to_csv(), rank(reference_profile()).to_csv());
}

TEST(Trace, SeparatesProfiles) {
  Profile later = reference_profile();
  later.program = "later";
  for (Record& record : later.records) record.start += 5000, record.end += 5000;
  for (ProfiledStep& step : later.steps) step.start += 5000, step.end += 5000;
  for (MemoryEvent& event : later.memory) event.time += 5000;
  later.start += 5000;
  const std::vector<Profile> profiles{reference_profile(), later};
  const Json trace = test::parse_json(to_trace(profiles));
  const Json& others = trace.at("otherData").at("profiles");
  ASSERT_EQ(others.size(), 2u);
  for (int process = 1; process <= 2; ++process) {
    Profile rebuilt = profile_of(trace, others.at(static_cast<std::size_t>(process) - 1), process);
    rebuilt.memory.front().delta = reference_profile().memory.front().delta;
    EXPECT_EQ(rank(rebuilt).to_csv(), rank(reference_profile()).to_csv());
  }
  EXPECT_EQ(others.at(1).at("program"), "later");
  const Json first = events_of(trace, "X", "step", 1).front(),
             second = events_of(trace, "X", "step", 2).front();
  EXPECT_EQ(ns(second.at("ts")) - ns(first.at("ts")), 5000);
  std::set<std::int64_t> arrows;
  for (const Json& begin : events_of(trace, "s"))
    EXPECT_TRUE(arrows.insert(begin.at("id").get<std::int64_t>()).second);
  EXPECT_TRUE(test::is_json(to_trace(std::vector<Profile>())));
}

TEST(Trace, OfTenStepsIsSmall) {
  const std::string text = to_trace(reference_profile());
  RecordProperty("bytes", static_cast<int>(text.size()));
  EXPECT_LT(text.size(), 2'000'000u);
  EXPECT_EQ(reference_profile().steps.size(), 10u);
}

TEST(Trace, IsGzippedByExtension) {
  const TemporaryFolder folder;
  write_trace(reference_profile(), folder / "trace.json");
  write_trace(reference_profile(), folder / "trace.json.gz");
  const std::string plain = read_file(folder / "trace.json"), packed = read_file(folder / "trace.json.gz");
  EXPECT_EQ(plain, to_trace(reference_profile()));
  EXPECT_LT(packed.size(), plain.size() / 5);
  FileReader reader(folder / "trace.json.gz");
  std::string unpacked(plain.size() + 1, '\0');
  unpacked.resize(reader.read(unpacked.data(), unpacked.size()));
  EXPECT_EQ(unpacked, plain);
}

TEST(Trace, OfAnEmptyProfileIsValid) {
  const Json trace = test::parse_json(to_trace(Profile()));
  EXPECT_TRUE(events_of(trace, "X").empty());
}

TEST(Trace, ReportsUnwritablePaths) {
  test::expect_error<IoError>([] { write_trace({}, "/nonexistent/trace.json"); },
                              {"/nonexistent/trace.json"});
}

// The timer's purpose: it accounts for the whole step and adds little overhead.
TEST(Timer, ExplainsATrainingStepAtBatch64) {
  const Ranking ranking = rank(reference_profile());
  double ops_us = 0;
  for (const RankingRow& row : ranking.rows) ops_us += row.self_us + row.first_self_us;
  RecordProperty("self_percent", std::to_string(100 * ops_us / ranking.wall_us));
  RecordProperty("timer_percent", std::to_string(100 * ranking.timer_us / ranking.wall_us));
#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_GE(ops_us / ranking.wall_us, 0.97);
  EXPECT_LE(ops_us / ranking.wall_us, 1.01);
  EXPECT_LE(ranking.timer_us / ranking.wall_us, 0.02);
#endif
}

TEST(Trace, LoadsInPerfetto) {
  const TemporaryFolder folder;
  write_trace(reference_profile(), folder / "trace.json.gz");
  const test::Output output = test::run_command(
      "python3 '" METRON_SOURCE_DIR "/tests/perfetto_trace.py' '" METRON_BINARY_DIR "/perfetto' '" +
      (folder / "trace.json.gz").string() + "'");
  if (output.code == 77) GTEST_SKIP() << output.text;
  ASSERT_EQ(output.code, 0) << output.text;
  const Json found = test::parse_json(output.text.substr(output.text.rfind('{')));
  const Profile& profile = reference_profile();
  EXPECT_EQ(found.at("slices"), profile.records.size() + profile.steps.size());
  EXPECT_EQ(found.at("flows"), events_of(reference_trace(), "s").size());
  EXPECT_EQ(found.at("counts"), profile.memory.size());
  EXPECT_EQ(found.at("errors"), 0);
  std::int64_t outermost = 0;
  for (const Record& record : profile.records) outermost += record.parent < 0 ? record.end - record.start : 0;
  EXPECT_EQ(found.at("duration_ns"), outermost);
}

}  // namespace
}  // namespace metron
