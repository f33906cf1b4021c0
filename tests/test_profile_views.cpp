// Views of a profile: ranges, shapes, modules, memory, and the files it is written to.
#include <gtest/gtest.h>
#include <metron/core/allocator.h>
#include <metron/core/profiler/internal/text_table.h>
#include <metron/core/profiler/profile_folder.h>
#include <metron/metron.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "expect_error.h"
#include "json.h"
#include "ranking_rows.h"
#include "temporary_folder.h"

namespace metron {
namespace {

using test::expect_error;

struct Block : Module {
  Linear first{16, 32};
  Linear second{32, 16};
  void members(MemberVisitor& visit) override {
    visit.module("first", first);
    visit.module("second", second);
  }
  Tensor forward(const Tensor& x) override { return second(relu(first(x))); }
};

struct Net : Module {
  Block block;
  Linear head{16, 4};
  void members(MemberVisitor& visit) override {
    visit.module("block", block);
    visit.module("head", head);
  }
  Tensor forward(const Tensor& x) override { return log_softmax(head(block(x)), 1); }
};

// Training steps on batches of 8 and 24, each in a separate range.
Profile profile_training(int steps) {
  manual_seed(1);
  Net net;
  Adadelta optimizer(net.parameters(), {});
  Profiler profiler;
  profiler.start();
  for (int i = 0; i < steps; ++i) {
    for (const std::int64_t size : {8, 24}) {
      const ProfileRange range(size == 8 ? "small" : "large");
      optimizer.zero_grad();
      nll_loss(net(rand_normal({size, 16})), Tensor::full({size}, 1, {DType::int64})).backward();
      optimizer.step();
    }
    profiler.step();
  }
  profiler.stop();
  return profiler.profile();
}

TEST(ProfileRanges, DoNotDoubleCount) {
  profile_training(1);  // a library's initialization would be a range as well
  const Profile profile = profile_training(20);
  const Ranking ranking = rank(profile);
  EXPECT_NEAR(test::sum_of_self(ranking) / ranking.wall_us, 1, 0.01);
  ASSERT_EQ(ranking.ranges.size(), 2u);
  for (const char* name : {"small", "large"}) {
    const RankingRow* range = test::find_row(ranking.ranges, name);
    ASSERT_NE(range, nullptr);
    EXPECT_EQ(range->calls + range->first_calls, 20);
    EXPECT_LT(range->self_us, range->total_us);
  }
  EXPECT_NE(ranking.to_table().find("range small"), std::string::npos);
}

TEST(ProfileRanges, InsideAnOpDoNotChangeItsTimes) {
  Profiler profiler;
  const Tensor x = rand_normal({64, 64});
  const auto run = [&](bool ranges) {
    profiler.clear();
    profiler.start();
    for (int i = 0; i < 10; ++i) {
      const OpScope op("outer");
      std::optional<ProfileRange> range;
      if (ranges) range.emplace("in the op");
      matmul(x, x);
    }
    profiler.stop();
    return profiler.ranking();
  };
  for (const bool ranges : {false, true}) {
    const Ranking ranking = run(ranges);
    EXPECT_NEAR(test::sum_of_self(ranking) / ranking.wall_us, 1, 0.01);
    const RankingRow *outer = test::find_row(ranking.rows, "outer"),
                     *inner = test::find_row(ranking.rows, "matmul");
    ASSERT_NE(outer, nullptr);
    ASSERT_NE(inner, nullptr);
    EXPECT_NEAR(outer->self_us, outer->total_us - inner->total_us, 1e-6 + 1e-9 * outer->total_us);
  }
}

TEST(ProfileShapes, SeparateBatchSizes) {
  const Profile profile = profile_training(3);
  const Ranking by_op = rank(profile), by_shape = rank(profile, {.group = GroupBy::shape});
  const RankingRow* both = test::find_row(by_op.rows, "linear");
  const RankingRow* small = test::find_row(by_shape.rows, "linear", "float32 (8, 16), float32 (16, 32)");
  const RankingRow* large = test::find_row(by_shape.rows, "linear", "float32 (24, 16), float32 (16, 32)");
  ASSERT_NE(both, nullptr);
  ASSERT_NE(small, nullptr);
  ASSERT_NE(large, nullptr);
  EXPECT_EQ(small->calls + small->first_calls, 3);
  EXPECT_EQ(large->calls + large->first_calls, 3);
  double total = 0;
  for (const RankingRow& row : by_shape.rows) total += row.name == "linear" ? row.total_us + row.first_us : 0;
  EXPECT_NEAR(total, both->total_us + both->first_us, 1e-6 * total);
}

TEST(ProfileModules, AggregateBottomUp) {
  const Profile profile = profile_training(5);
  const std::vector<ModuleRow> rows = module_view(profile);
  const auto row = [&](const std::string& path) -> const ModuleRow& {
    return *std::find_if(rows.begin(), rows.end(), [&](const ModuleRow& r) { return r.path == path; });
  };
  std::vector<std::string> paths;
  for (const ModuleRow& r : rows) paths.push_back(r.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"", "block", "block.first", "block.second", "head"}));
  for (const char* path : {"", "block", "block.first", "block.second", "head"})
    EXPECT_EQ(row(path).calls, 10) << path;
  EXPECT_EQ(row("block.first").depth, 2);
  EXPECT_GT(row("block").forward_us,
            row("block.first").forward_us + row("block.second").forward_us);  // its relu
  EXPECT_GT(row("").forward_us, row("block").forward_us + row("head").forward_us);
  EXPECT_GT(row("head").backward_us, 0);
  EXPECT_GT(row("block.first").flops, 0);
  EXPECT_NE(to_table(rows).find("    second"), std::string::npos);
  EXPECT_EQ(std::ranges::count(to_csv(rows), '\n'), 6);
}

TEST(ProfileMemory, AgreesWithTheAllocator) {
  const Tensor held = Tensor::ones({1000});
  Profiler profiler;
  profiler.start();
  const std::size_t before = memory_stats(Device()).allocated;
  backend(Device()).allocator(0).reset_peak();
  {
    const Tensor a = Tensor::ones({100'000});
    const Tensor b = add(a, a);
    add(b, b);
  }
  const MemoryStats after = memory_stats(Device());
  profiler.stop();
  const MemorySummary summary = memory_summary(profiler.profile(), Device::Type::cpu);
  EXPECT_EQ(after.allocated, before);
  EXPECT_EQ(summary.peak_bytes, static_cast<std::int64_t>(after.peak_allocated));
  EXPECT_EQ(summary.allocations, 3);
  EXPECT_EQ(summary.allocated_bytes, summary.freed_bytes);
  ASSERT_GE(summary.peak_record, 0);
  EXPECT_STREQ(
      profiler.records()[static_cast<std::size_t>(op_of(profiler.profile(), summary.peak_record))].name,
      "add");
  const Ranking ranking = profiler.ranking();
  EXPECT_EQ(test::find_row(ranking.rows, "add")->allocated_bytes,
            2. * static_cast<double>(CachingAllocator::size_class(400'000)));
  // Every live value follows from the previous one: nothing else allocates here.
  const std::vector<MemoryEvent>& events = profiler.profile().memory;
  for (std::size_t i = 1; i < events.size(); ++i)
    EXPECT_EQ(events[i].live, events[i - 1].live + events[i].delta);
  EXPECT_EQ(std::ranges::count(memory_timeline_csv(profiler.profile()), '\n'),
            static_cast<std::ptrdiff_t>(events.size()) + 1);
}

TEST(ProfileOutput, IsTheSameInEveryFormat) {
  const Ranking ranking = rank(profile_training(3));
  const auto json = test::parse_json(ranking.to_json());
  ASSERT_EQ(json.at("rows").size(), ranking.rows.size());
  EXPECT_DOUBLE_EQ(json.at("wall_us").get<double>(), ranking.wall_us);
  std::istringstream lines(ranking.to_csv());
  std::string line;
  std::getline(lines, line);
  EXPECT_TRUE(line.starts_with("kind,rank,phase,name,module,operands,calls,total_us,self_us"));
  const auto columns = std::count(line.begin(), line.end(), ',');
  std::size_t rows = 0;
  for (; std::getline(lines, line); ++rows)
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), columns) << line;
  EXPECT_EQ(rows, ranking.rows.size() + ranking.ranges.size() + 2);
  for (std::size_t i = 0; i < ranking.rows.size(); ++i) {
    EXPECT_EQ(json["rows"][i]["name"], ranking.rows[i].name);
    EXPECT_EQ(json["rows"][i]["total_us"].get<double>(), ranking.rows[i].total_us);
    EXPECT_NE(ranking.to_csv().find(shortest(ranking.rows[i].total_us)), std::string::npos);
  }
}

TEST(ProfileOutput, DoesNotTruncateNames) {
  Profiler profiler;
  const std::string name(1000, 'n');
  profiler.start();
  for (int i = 0; i < 2; ++i) {
    const OpScope op(immortal(name));
    const ProfileRange range(std::string(400, 'r') + "\",\n");
    sum(Tensor::ones({2}));
  }
  profiler.stop();
  const Ranking ranking = profiler.ranking();
  EXPECT_NE(ranking.to_table().find(name), std::string::npos);
  EXPECT_NE(ranking.to_csv().find(std::string(400, 'r') + "\"\",\n\""), std::string::npos);
  EXPECT_TRUE(test::is_json(ranking.to_json()));
}

TEST(ProfileFile, RoundTrips) {
  const TemporaryFolder folder;
  Profile profile = profile_training(4);
  profile.program = "training \"of\" \xE5\x9B\xBE";
  save_profile(profile, folder / "p.json");
  const Profile again = load_profile(folder / "p.json");
  EXPECT_EQ(again.program, profile.program);
  EXPECT_EQ(rank(again).to_csv(), rank(profile).to_csv());
  EXPECT_EQ(to_csv(module_view(again)), to_csv(module_view(profile)));
  EXPECT_EQ(memory_timeline_csv(again), memory_timeline_csv(profile));
  EXPECT_EQ(records_to_csv(again), records_to_csv(profile));
  EXPECT_EQ(to_trace(again), to_trace(profile));
}

TEST(ProfileFile, RejectsOtherFiles) {
  const TemporaryFolder folder;
  save_profile(profile_training(1), folder / "p.json");
  const auto good = test::parse_json(read_file(folder / "p.json"));
  const auto load = [&](const std::string& text) { load_profile(folder.write("bad.json", text)); };
  expect_error<IoError>([&] { load_profile(folder / "none.json"); }, {"none.json"});
  expect_error<IoError>([&] { load_profile(folder.path()); }, {folder.path().string()});
  for (const char* text : {"", "{", "[]", "3", "{}", "{\"format\":3}"})
    expect_error<ValueError>([&] { load(text); }, {"bad.json"});
  const std::vector<std::function<void(test::Json&)>> damages{
      [](auto& j) { j["version"] = 2; },
      [](auto& j) { j.erase("records"); },
      [](auto& j) { j["records"][0].erase(3); },
      [](auto& j) { j["records"][0][2] = 0; },     // its own parent
      [](auto& j) { j["records"][0][4] = 9999; },  // a module that does not exist
      [](auto& j) { j["records"][0][6] = 5; },
      [](auto& j) { j["records"][0][0] = -1; },
      [](auto& j) { j["records"][0][11] = -5; },
      [](auto& j) { j["records"][0][10] = 1e300; },
      [](auto& j) { j["records"][0][10] = std::numeric_limits<std::uint64_t>::max(); },
      [](auto& j) { j["memory"][0][3] = 1 << 30; },
      [](auto& j) { j["strings"] = test::Json::array(); },
      [](auto& j) { j["names"][0] = nullptr; },
      [](auto& j) { j["timer_cost"].erase("op_ns"); },
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    auto bad = good;
    damages[i](bad);
    SCOPED_TRACE(i);
    expect_error<ValueError>([&] { load(bad.dump()); }, {"bad.json"});
  }
}

TEST(ProfileFolder, HasAllFilesOrAnError) {
  const TemporaryFolder folder;
  write_profile_folder(profile_training(1), folder / "a" / "b");
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "a" / "b"))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"memory.csv", "modules.csv", "profile.json", "ranking.csv",
                                             "ranking.txt", "records.csv", "trace.json"}));
  folder.write("file", "");
  expect_error<IoError>([&] { check_profile_folder(folder / "file" / "x"); }, {"file/x"});
}

TEST(ProfileColdAndWarm, AreSeparate) {
  Profiler profiler;
  const Tensor x = rand_normal({37, 41});  // a shape that is unique here
  profiler.start();
  for (int i = 0; i < 4; ++i) relu(x);
  profiler.stop();
  const Ranking ranking = profiler.ranking();
  const RankingRow* row = test::find_row(ranking.rows, "relu");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->first_calls, 1);
  EXPECT_EQ(row->calls, 3);
  EXPECT_GT(row->first_us, 0);
}

}  // namespace
}  // namespace metron
