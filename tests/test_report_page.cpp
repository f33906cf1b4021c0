// report.html as a reader sees it: opened in headless Chromium if available.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "expect_error.h"
#include "json.h"
#include "run_command.h"
#include "sample_report.h"
#include "temporary_folder.h"
#include "text_search.h"

namespace metron::report {
namespace {

using test::Json;

const std::string source_folder = METRON_SOURCE_DIR "/";

// What the browser found on a page; null without a browser.
Json browsed(const std::filesystem::path& page, const std::string& name) {
  const TemporaryFolder folder;
  std::string command = "python3 '" + source_folder + "tests/page_in_browser.py' '" +
                        (folder / "browser").string() + "' '" + page.string() + '\'';
  // Screenshots for visual inspection: METRON_PAGE_PICTURES=folder.
  if (const char* pictures = std::getenv("METRON_PAGE_PICTURES"))
    command += " '" + std::string(pictures) + '/' + name + '\'';
  const test::Output output = test::run_command(command);
  if (output.code == 77) return nullptr;
  EXPECT_EQ(output.code, 0) << output.text;
  return output.code == 0 ? test::parse_json(output.text) : Json(nullptr);
}

Json browsed(const Report& report, const std::vector<Flame>& flames, const Language& text,
             const std::string& name) {
  const TemporaryFolder folder;
  return browsed(folder.write("report.html", html_page(report, flames, text)), name);
}

#define REQUIRE_BROWSER(found)                                     \
  if (found.is_null()) {                                           \
    if (HasFailure()) return;                                      \
    GTEST_SKIP() << "skipped: there is no Chromium to open it in"; \
  }
#define BROWSE(found, ...)                 \
  const Json found = browsed(__VA_ARGS__); \
  REQUIRE_BROWSER(found)
#define OPEN_SAMPLE(found)           \
  const Json& found = sample_page(); \
  REQUIRE_BROWSER(found)

// ---- Numbers against run.json

double number_at(const Json& run, const std::string& path) {
  const std::size_t star = path.find("/*");
  if (star == std::string::npos) return run.at(Json::json_pointer(path)).get<double>();
  double sum = 0;
  for (const Json& element : run.at(Json::json_pointer(path.substr(0, star))))
    sum += element.at(Json::json_pointer(path.substr(star + 2))).get<double>();
  return sum;
}

// Whether `text` is the number, rounded to the digits it shows.
testing::AssertionResult shows(std::string text, double expected) {
  for (const auto& [from, to] :
       {std::pair<std::string, std::string>{"−", "-"}, {",", ""}, {"\u00a0", ""}, {" ", ""}, {"%", ""}}) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos;)
      text.replace(at, from.size(), to);
  }
  std::size_t end = 0;
  double shown = 0;
  try {
    shown = std::stod(text, &end);
  } catch (const std::exception&) {
    return testing::AssertionFailure() << '"' << text << "\" is not a number";
  }
  if (end != text.size()) return testing::AssertionFailure() << '"' << text << "\" is more than a number";
  const std::size_t exponent = text.find('e'), point = text.find('.');
  double unit = exponent == std::string::npos ? 1 : std::pow(10, std::stod(text.substr(exponent + 1)));
  if (point != std::string::npos)
    unit *= std::pow(10, -static_cast<double>(std::min(exponent, text.size()) - point - 1));
  if (std::abs(shown - expected) > 0.5001 * unit + 1e-12 * std::abs(expected))
    return testing::AssertionFailure() << '"' << text << "\" is not " << expected;
  // Counts must not be rounded.
  if (expected != 0 && shown == 0) return testing::AssertionFailure() << expected << " is shown as 0";
  return testing::AssertionSuccess();
}

void expect_equal_to_run(const Json& numbers, const Json& run, bool texts) {
  for (const Json& number : numbers) {
    if (number.contains("trace")) continue;
    const std::string path = number.at("path"), text = number.at("text"), over = number.at("over");
    const double scale = number.at("scale");
    SCOPED_TRACE(path + ": " + text);
    if (scale != 0) {
      double expected = number_at(run, path);
      if (!over.empty()) expected = expected / number_at(run, over) - number.at("less").get<double>();
      EXPECT_TRUE(shows(text, expected / scale));
    } else if (const Json& value = run.at(Json::json_pointer(path)); !value.is_string()) {
      EXPECT_EQ(text, value.dump());
    } else if (texts) {
      EXPECT_EQ(text, value);
    }
  }
}

std::set<std::string> paths_of(const Json& numbers) {
  std::set<std::string> paths;
  for (const Json& number : numbers) paths.insert(number.value("path", ""));
  return paths;
}

// ---- Texts in the sources

// English texts in calls like text("a" "b") or t("a").
std::set<std::string> texts_in(const std::filesystem::path& file) {
  const std::string call = R"re(\b(?:t|t_|text)\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+))re",
                    literal = R"re("((?:[^"\\]|\\.)*)")re";
  std::set<std::string> texts;
  for (const std::string& literals : test::matches(read_file(file), call)) {
    std::string text;
    for (const std::string& part : test::matches(literals, literal)) text += part;
    texts.insert(text);
  }
  return texts;
}

std::set<std::string> texts_in_folder(const std::string& folder, const std::string& suffix) {
  std::set<std::string> texts;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source_folder + folder))
    if (entry.path().extension() == suffix) texts.merge(texts_in(entry.path()));
  return texts;
}

// The text that t() puts between values is verbatim in the source.
std::set<std::string> fixed_parts() {
  std::set<std::string> parts;
  auto texts = texts_in_folder("tools/report/render/page", ".js");
  texts.merge(texts_in(source_folder + "tools/report/render/explanation.cpp"));
  for (const std::string& text : texts) {
    const std::vector<std::string> fixed = test::between_matches(text, R"(\{\d\})");
    parts.insert(fixed.begin(), fixed.end());
    parts.insert(text + ", µs");  // a column header
  }
  return parts;
}

// ---- Properties of every page

void expect_sound(const Json& found) {
  EXPECT_EQ(found.at("errors"), Json::array());
  EXPECT_EQ(found.at("requests"), Json::array());
  EXPECT_EQ(found.at("documents"), 1);
  for (const char* view : {"desktop", "phone"}) {
    SCOPED_TRACE(view);
    EXPECT_EQ(found.at(view).at("guilty"), Json::array());
    EXPECT_LE(found.at(view).at("width"), view == std::string("phone") ? 360 : 1280);
  }
  const Json& structure = found.at("structure");
  EXPECT_EQ(structure.at("captions"), structure.at("tables"));
  EXPECT_EQ(structure.at("unnamed"), 0);
  EXPECT_EQ(structure.at("duplicates"), Json::array());
  EXPECT_EQ(structure.at("outside"), Json::array()) << "texts overflow their boxes";
  int before = 0;
  for (const Json& level : structure.at("levels")) {
    EXPECT_LE(level.get<int>(), before + 1) << "a heading level is skipped";
    before = level;
  }
  EXPECT_TRUE(found.at("pdf").at("is_pdf"));
  EXPECT_NE(found.at("light"), found.at("dark"));
  for (const char* scheme : {"light", "dark"}) {
    EXPECT_GT(found.at("contrast").at(scheme).at("texts"), 50) << scheme;
    EXPECT_EQ(found.at("contrast").at(scheme).at("faint"), Json::array()) << scheme;
  }
  EXPECT_EQ(found.at("crowded"), Json::array());
  EXPECT_EQ(found.at("toggled"), found.at("light"));
}

std::vector<Flame> sample_flames() { return {test::sample_flame(64, false), test::sample_flame(64, true)}; }

// The page of the sample, shared by all tests that inspect it; null without a browser.
const Json& sample_page() {
  static const Json found = browsed(test::sample_report(), sample_flames(), english(), "en");
  return found;
}

// The position of a value between two ticks.
double position_of(const Json& ticks, double value, bool logarithmic) {
  const auto scale = [&](double v) { return logarithmic ? std::log(v) : v; };
  const double first = scale(ticks.front().at(0)), last = scale(ticks.back().at(0));
  const double from = ticks.front().at(1), to = ticks.back().at(1);
  return from + (scale(value) - first) / (last - first) * (to - from);
}

TEST(BrowsedPage, ShowsOnlyTheNumbersOfTheRun) {
  const Report report = test::sample_report();
  OPEN_SAMPLE(found);
  expect_sound(found);
  const Json run = to_json(report);
  expect_equal_to_run(found.at("numbers"), run, true);
  const auto fixed = fixed_parts();
  for (const Json& text : found.at("untraced"))
    EXPECT_TRUE(fixed.contains(text)) << text << " has no source path";

  // The first and last row of every section, nested ones included.
  const auto paths = paths_of(found.at("numbers"));
  for (const char* path : {"/environment/cpu/cores",
                           "/environment/libraries/a~1b~0c",
                           "/environment/gpus/0/compute_capability",
                           "/settings/seed",
                           "/settings/repeat",
                           "/graph/nodes/3/time_us",
                           "/graph/edges/6/shape/1",
                           "/training/tests/1/accuracy",
                           "/batches/2/ops/0/time_us",
                           "/batches/0/ops/25/share",
                           "/batches/1/ops/3/roof",
                           "/batches/1/ops/3/lowest_us",
                           "/comparison/25/rank/2",
                           "/comparison/0/share/0",
                           "/cold/2/initialization/0/us",
                           "/cold/0/ops/0/cold_us",
                           "/batches/2/phases/2/share",
                           "/batches/0/self_part",
                           "/roofline/0/gflops",
                           "/roofs/gbytes",
                           "/providers/7/median_us",
                           "/correlations/3/first",
                           "/correlations/0/low",
                           "/faithful/2/rows/6/total_us",
                           "/faithful/0/reference/7/total_us",
                           "/timer/noise_ns",
                           "/files/1/name",
                           "/seconds"})
    EXPECT_TRUE(paths.contains(path)) << path;
  EXPECT_EQ(found.at("structure").at("nodes"), report.graph.nodes.size());
  EXPECT_EQ(found.at("structure").at("edges"), report.graph.edges.size());
}

TEST(BrowsedPage, SaysThatPartsAddUpOnlyIfTheyDo) {
  OPEN_SAMPLE(found);
  EXPECT_TRUE(found.at("sums"));
  Report report = test::sample_report();
  report.batches[1].outside_part += 0.02;
  report.training.tests.resize(1);
  BROWSE(other, report, {}, english(), "sums");
  EXPECT_FALSE(other.at("sums"));
  EXPECT_EQ(other.at("single"), "98.42\u00a0%");
}

TEST(BrowsedPage, DrawsTheGraphAtTheWidthOfThePage) {
  OPEN_SAMPLE(found);
  const Json &wide = found.at("graph"), &phone = found.at("graph on a phone");
  EXPECT_GT(wide.at("columns"), 1);
  EXPECT_NEAR(wide.at("scale"), 1, 0.01);
  EXPECT_LT(wide.at("height"), 900);
  EXPECT_EQ(phone.at("columns"), 1);
  EXPECT_GE(phone.at("scale"), 0.9);
}

TEST(BrowsedPage, CopiesTheCommand) {
  OPEN_SAMPLE(found);
  EXPECT_EQ(found.at("copied"), Json({"Copied", test::sample_report().settings.repeat}));
}

TEST(BrowsedPage, FollowsTheLabTemplate) {
  Report report = test::sample_report();
  OPEN_SAMPLE(found);
  EXPECT_EQ(found.at("structure").at("sections"),
            Json({"environment", "graph", "curves", "ranking", "comparison", "cold", "clocks", "phases",
                  "self", "roofline", "providers", "correlations", "faithful", "flame", "notes"}));
  report.settings.faithful = true;
  BROWSE(faithful, report, sample_flames(), english(), "faithful");
  const Json sections = faithful.at("structure").at("sections");
  EXPECT_EQ(sections.at(3), "faithful");
  EXPECT_EQ(sections.at(4), "ranking");
}

TEST(BrowsedPage, SortsTablesByPointerAndKeyboard) {
  const Report report = test::sample_report();
  OPEN_SAMPLE(found);
  const Json& sorting = found.at("sorting");
  const auto& ops = report.batches.back().ops;
  EXPECT_EQ(sorting.at("before").at(0), "ascending");
  EXPECT_EQ(sorting.at("descending").at("state").at(5), "descending");
  EXPECT_EQ(sorting.at("descending").at("state").at(0), "none");
  EXPECT_EQ(sorting.at("ascending").at("state").at(5), "ascending");
  const Json &down = sorting.at("descending").at("column"), &up = sorting.at("ascending").at("column");
  ASSERT_EQ(down.size(), ops.size());
  for (std::size_t i = 0; i < ops.size(); ++i) EXPECT_TRUE(shows(down.at(i), ops[i].time_us));
  EXPECT_TRUE(shows(up.front(), ops.back().time_us));
  EXPECT_TRUE(shows(up.back(), ops.front().time_us));
  std::vector<std::string> names;
  for (const OpRow& op : ops) names.push_back(op.name);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(sorting.at("names").at("column").front(), names.front());
  EXPECT_EQ(sorting.at("names").at("column").back(), names.back());
}

TEST(BrowsedPage, NamesTheValuesUnderThePointer) {
  const Report report = test::sample_report();
  OPEN_SAMPLE(found);
  const Json run = to_json(report);
  for (const char* chart : {"loss", "accuracy", "comparison", "phases", "roofline", "flame"}) {
    SCOPED_TRACE(chart);
    const Json& tip = found.at("tips").at(chart);
    ASSERT_FALSE(tip.empty());
    expect_equal_to_run(tip, run, true);
  }
  // In the middle of the loss chart, whose margins differ: close to the middle of the training.
  const std::string path = found.at("tips").at("loss").at(0).at("path");
  EXPECT_NEAR(number_at(run, path), 938, 150);
  EXPECT_NEAR(found.at("tips").at("cursor"),
              position_of(found.at("positions").at("loss").at("x"), number_at(run, path), false), 1);
  const Flame flame = test::sample_flame(64, false);
  EXPECT_EQ(found.at("tips").at("flame").at(0).at("trace"), flame.events[0].record);
  EXPECT_TRUE(shows(found.at("tips").at("flame").at(0).at("text"),
                    static_cast<double>(flame.events[0].duration_ns) * 1e-3));
}

TEST(BrowsedPage, DrawsPointsFromTheData) {
  OPEN_SAMPLE(found);
  const Json run = to_json(test::sample_report());
  const Json& roofline = found.at("positions").at("roofline-chart");
  EXPECT_EQ(roofline.at("points").size(), run.at("roofline").size());
  for (const Json& point : roofline.at("points")) {
    const Json& data = run.at(Json::json_pointer(point.at("path").get<std::string>()));
    EXPECT_NEAR(point.at("x"), position_of(roofline.at("x"), data.at("intensity"), true), 1);
    EXPECT_NEAR(point.at("y"), position_of(roofline.at("y"), data.at("gflops"), true), 1);
  }
  const Json& accuracy = found.at("positions").at("accuracy");
  EXPECT_EQ(accuracy.at("points").size(), run.at("training").at("tests").size());
  for (const Json& point : accuracy.at("points")) {
    const Json& data = run.at(Json::json_pointer(point.at("path").get<std::string>()));
    EXPECT_NEAR(point.at("x"), position_of(accuracy.at("x"), data.at("step"), false), 1);
    EXPECT_NEAR(point.at("y"), position_of(accuracy.at("y"), data.at("accuracy").get<double>() * 100, false),
                1);
  }
  const Json& bars = found.at("positions").at("comparison-chart");
  EXPECT_EQ(bars.at("points").size(), 30u);  // ten ops at three batch sizes
  for (const Json& bar : bars.at("points")) {
    const double share = number_at(run, bar.at("path"));
    EXPECT_NEAR(bar.at("right"), position_of(bars.at("x"), share * 100, false), 1);
  }
}

TEST(BrowsedPage, ZoomsTheGraphAndTheTrace) {
  OPEN_SAMPLE(found);
  const Json& view = found.at("zooming");
  EXPECT_LT(view.at(1).at(2), view.at(0).at(2));  // zoomed in
  EXPECT_GT(view.at(2).at(0), view.at(1).at(0));  // moved right
  EXPECT_EQ(view.at(3), view.at(0));              // and back
  EXPECT_EQ(found.at("flame"), Json({3, 2, 3}));  // siblings are hidden while the op fills the width
}

TEST(BrowsedPage, ShowsDeviceTimes) {
  const Report report = test::sample_report(true);
  BROWSE(found, report, {}, english(), "device");
  expect_sound(found);
  expect_equal_to_run(found.at("numbers"), to_json(report), true);
  const auto paths = paths_of(found.at("numbers"));
  EXPECT_TRUE(paths.contains("/batches/2/ops/0/device_us"));
  EXPECT_TRUE(paths.contains("/batches/2/phases/0/device_us"));
}

TEST(BrowsedPage, ShowsTheTimesOfAModel) {
  Report report = test::sample_report(true);
  report.settings.emulated = true;
  for (BatchSection& batch : report.batches) batch.ranked_by = "model";
  BROWSE(found, report, {}, english(), "modeled");
  expect_sound(found);
  EXPECT_TRUE(paths_of(found.at("numbers")).contains("/batches/2/ops/0/device_us"));
}

TEST(BrowsedPage, MarksEmulatorsAndFakes) {
  Report report = test::sample_report(true);
  report.settings.emulated = true;
  report.settings.fakes = {"onednn"};
  BROWSE(found, report, {}, english(), "emulated");
  expect_sound(found);
  for (const std::string& path : paths_of(found.at("numbers")))
    EXPECT_EQ(path.find("device_us"), std::string::npos) << path;
  // Every time in the rankings: those of onednn are marked as a fake's, all others as emulated.
  EXPECT_GT(found.at("structure").at("emulated"), 400);
  EXPECT_GT(found.at("structure").at("fakes"), 100);
  EXPECT_EQ(found.at("structure").at("drawn"), 6);  // the graph's nodes with a time
}

TEST(BrowsedPage, SupportsChinese) {
  const Report report = test::sample_report();
  BROWSE(found, report, sample_flames(), chinese(), "zh");
  expect_sound(found);
  expect_equal_to_run(found.at("numbers"), to_json(report), false);
  EXPECT_EQ(found.at("structure").at("lang"), "zh");
  for (const Json& heading : found.at("structure").at("headings"))
    EXPECT_FALSE(test::is_found(heading.get<std::string>(), "[a-z]{4,}")) << heading;
  // Our terms with a number in them.
  for (const Json& number : found.at("numbers")) {
    const std::string path = number.at("path"), text = number.at("text");
    const auto expected = path == "/correlations/0/first" ? chinese()("faithful, batch {0}", {"1"})
                          : path == "/files/2/what"
                              ? chinese()("all operators and kernels at batch size {0}", {"64"})
                              : text;
    EXPECT_EQ(text, expected);
  }
}

TEST(BrowsedPage, OpensAnEmptyRun) {
  Report report;
  report.environment.text = R"({"cpu": {"model": "x"}})";
  report.interrupted_in = "training";
  BROWSE(found, report, {}, english(), "empty");
  expect_sound(found);
  EXPECT_FALSE(found.at("sums"));
}

// `metron report` without a font that has Chinese characters: the page is in Chinese, its numbers match
// run.json, and it says why the pictures are not.
TEST(BrowsedPage, MatchesItsRunJson) {
  const TemporaryFolder folder;
  const auto fonts =
      folder.write("fonts.conf", "<fontconfig><dir>/usr/share/fonts/truetype/dejavu</dir></fontconfig>");
  const test::Output output = test::run_command(
      "FONTCONFIG_FILE='" + fonts.string() +
      "' OMP_WAIT_POLICY=passive '" METRON_BINARY_DIR "/bin/metron' report --lang zh --out '" +
      (folder / "out").string() +
      "' --train-limit 640 --test-limit 200 --batch 1,4 --rounds 1 --steps 2 --provider-budget 0.002");
  ASSERT_EQ(output.code, 0) << output.text;
  const Report report = load_run(folder / "out" / "run.json");
  EXPECT_EQ(report.notes.back().kind, "no_font");
  BROWSE(found, folder / "out" / "report.html", "run");
  expect_sound(found);
  expect_equal_to_run(found.at("numbers"), to_json(report), false);
  EXPECT_EQ(found.at("structure").at("nodes"), report.graph.nodes.size());
  for (const char* chart : {"loss", "comparison", "phases", "roofline", "flame"})
    EXPECT_FALSE(found.at("tips").at(chart).empty()) << chart;
  EXPECT_TRUE(found.at("single").is_string());  // the only epoch's accuracy
}

TEST(Page, IsOneSmallFile) {
  Report report = test::sample_report();
  Curve& curve = report.training.curve;  // 14 epochs
  while (curve.step.size() < 14 * 938) {
    curve.step.push_back(curve.step.back() + 1);
    curve.epoch.push_back(14);
    curve.loss.push_back(std::sin(static_cast<double>(curve.step.back())) + 1);
    curve.smoothed.push_back(curve.loss.back() / 3);
  }
  const std::string page = html_page(report, sample_flames(), chinese());
  EXPECT_LT(page.size(), 2'000'000u);
  EXPECT_FALSE(test::is_found(page, R"((src|href)\s*=\s*["']?\s*(https?:|//))"));
  EXPECT_EQ(page.find("scroll-behavior"), std::string::npos);
}

TEST(Page, RejectsDanglingEdges) {
  Report report = test::sample_report();
  report.graph.edges[0].to = 99;
  test::expect_error<ValueError>([&] { html_page(report, {}, english()); }, {"8 nodes", "99"});
}

TEST(Texts, AreCompleteInChinese) {
  auto texts = texts_in_folder("tools/report/render/page", ".js");
  texts.merge(texts_in_folder("tools/report", ".cpp"));
  EXPECT_GT(texts.size(), 150u);
  for (const std::string& text : texts) {
    const bool words = test::is_found(text, "[A-Za-z.]");
    EXPECT_TRUE(!words || chinese().has(text)) << '"' << text << '"';
  }
}

TEST(Texts, KeepPlaceholdersInChinese) {
  const auto placeholders = [](std::string_view text) {
    const std::vector<std::string> found = test::matches(std::string(text), R"(\{\d\})");
    return std::multiset<std::string>(found.begin(), found.end());
  };
  for (const auto& [english_text, other] : chinese().table()) {
    EXPECT_EQ(placeholders(english_text), placeholders(other)) << english_text;
  }
}

TEST(Flame, IsTheMedianStep) {
  Profile profile;
  profile.strings = {"", "conv1"};
  profile.steps = {{0, 0, 100}, {1, 100, 400}, {2, 400, 600}};
  const auto add = [&](const char* name, std::int32_t parent, RecordKind kind, std::int64_t start,
                       std::int64_t end) {
    Record record;
    record.name = name;
    record.parent = parent;
    record.kind = kind;
    record.start = start;
    record.end = end;
    if (kind == RecordKind::kernel) record.provider = "cpu";
    profile.records.push_back(record);
  };
  add("relu", -1, RecordKind::op, 10, 90);
  add("linear", -1, RecordKind::op, 410, 500);
  add("matmul", 1, RecordKind::kernel, 420, 480);
  profile.records[1].module = 1;
  const Flame flame = median_flame(profile, 16, true);
  EXPECT_EQ(flame.wall_ns, 200);
  ASSERT_EQ(flame.events.size(), 2u);
  EXPECT_EQ(flame.events[1].depth, 1);
  EXPECT_EQ(flame.events[1].start_ns, 20);
  EXPECT_EQ(flame.events[1].duration_ns, 60);
  EXPECT_EQ(flame.events[1].record, 2);
  EXPECT_EQ(flame.names.at(static_cast<std::size_t>(flame.events[0].module)), "conv1");
  EXPECT_EQ(flame.names.at(static_cast<std::size_t>(flame.events[1].provider)), "cpu");
  test::expect_error<ValueError>([] { median_flame(Profile(), 1, false); }, {"without steps"});
}

}  // namespace
}  // namespace metron::report
