// `metron report` as a user runs it: the files, numbers that follow from the trace, and error handling.
#include <gtest/gtest.h>
#include <metron/layers/models/mnist_cnn.h>
#include <metron/metron.h>
#include <metron/tools/graph/picture.h>
#include <metron/tools/report/render/markdown.h>
#include <metron/tools/report/render/pictures.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "find_color.h"
#include "json.h"
#include "report_figures.h"
#include "run_command.h"
#include "temporary_folder.h"

namespace metron::report {
namespace {

namespace fs = std::filesystem;
using drawing::Canvas;
using test::Output;

#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr bool times_mean_something = true;
#else
constexpr bool times_mean_something = false;
#endif

Output run(const std::string& arguments) {
  return test::run_command("OMP_WAIT_POLICY=passive '" METRON_BINARY_DIR "/bin/metron' report " + arguments);
}

// A short run with every part enabled, created once.
struct Finished {
  TemporaryFolder folder;
  Output output;
  Report report;
  fs::path at(const std::string& name) const { return folder / "out" / name; }
};
const Finished& finished() {
  static Finished f;
  static const bool made = [] {
    f.output = run("--out '" + (f.folder / "out").string() +
                   "' --train-limit 1280 --test-limit 500 --batch 16,1,4,4 --rounds 3 --steps 4 "
                   "--provider-budget 0.005");
    EXPECT_EQ(f.output.code, 0) << f.output.text;
    f.report = load_run(f.at("run.json"));
    return true;
  }();
  EXPECT_TRUE(made);
  return f;
}

TEST(ReportRun, HasAllOfItsFiles) {
  const Finished& f = finished();
  EXPECT_TRUE(f.report.complete);
  EXPECT_EQ(f.folder.names(), std::vector<std::string>{"out"});
  std::set<std::string> listed, there;
  for (const File& file : f.report.files) listed.insert(file.name);
  for (const auto& entry : fs::directory_iterator(f.folder / "out")) there.insert(entry.path().filename());
  EXPECT_EQ(listed, there);
  for (const char* name :
       {"report.md", "report.html", "graph.png", "graph.svg", "graph.dot", "graph-dark.png", "loss.png",
        "accuracy.png", "batches.png", "cold.png", "roofline.png", "roofline-dark.png", "ranking-1.csv",
        "ranking-16.csv", "ranking-faithful.csv", "trace.json", "metrics.csv", "run.json",
        "mnist_cnn.safetensors"})
    EXPECT_TRUE(there.contains(name)) << name;
  EXPECT_TRUE(contains(f.output.text, {"training, epoch 1/1", "measuring", "report.html"}));
  EXPECT_EQ(to_json_text(f.report), read_file(f.at("run.json")));
}

TEST(ReportRun, DescribesTheMeasurementAndMachine) {
  const Report& report = finished().report;
  EXPECT_EQ(report.settings.batch_sizes, (std::vector<std::int64_t>{1, 4, 16}));
  EXPECT_EQ(report.settings.parameters, 1'199'882);
  EXPECT_EQ(report.settings.device, "cpu");
  EXPECT_EQ(report.settings.command.at(1), "report");
  EXPECT_EQ(report.settings.model, "reference CNN");
  EXPECT_NE(report.settings.repeat.find("OMP_WAIT_POLICY=passive "), std::string::npos);
  EXPECT_NE(report.settings.repeat.find(" report --out "), std::string::npos);
  EXPECT_EQ(report.settings.rounds, 3);
  EXPECT_EQ(report.training.seed, 1u);
  EXPECT_EQ(report.training.curve.loss.size(), 20u);
  EXPECT_EQ(report.training.tests.size(), 1u);
  EXPECT_EQ(report.training.epochs, 1);
  ASSERT_EQ(report.batches.size(), 3u);
  ASSERT_EQ(report.cold.size(), 3u);
  ASSERT_EQ(report.faithful.size(), 3u);
  for (const BatchSection& batch : report.batches) EXPECT_EQ(batch.steps, 12);
  EXPECT_EQ(test::parse_json(report.environment.text).at("cpu").at("model"), report.settings.device_name);
  std::set<std::string> kinds;
  for (const Correlation& c : report.correlations) kinds.insert(c.kind);
  EXPECT_EQ(kinds, (std::set<std::string>{"faithful-reference", "warm-reference", "cold-warm", "warm-warm"}));
  for (const Initialization& i : report.cold.back().initialization) EXPECT_FALSE(i.library.empty());
}

// Every share, median and sum.
TEST(ReportRun, FiguresFollowFromTheRunAndItsTrace) {
  const Finished& f = finished();
  const test::Json run = test::parse_json(read_file(f.at("run.json"))),
                   trace = test::parse_json(read_file(f.at("trace.json")));
  test::expect_figures_of_run(run);
  test::expect_figures_of_trace(run, trace);
  const std::string html = read_file(f.at("report.html")), begin = "id=\"data\">";
  const std::size_t from = html.find(begin) + begin.size();
  const test::Json page = test::parse_json(html.substr(from, html.find("</script>", from) - from));
  EXPECT_EQ(page.at("run"), run);
  test::expect_flames_of_trace(page, run, trace);
}

TEST(ReportRun, TablesMatchTheRun) {
  const Finished& f = finished();
  for (const BatchSection& batch : f.report.batches) {
    const std::string csv = read_file(f.at(batch.ranking_file));
    EXPECT_EQ(csv, ranking_csv(batch));
    EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'),
              1 + std::accumulate(batch.ops.begin(), batch.ops.end(), std::ptrdiff_t{0},
                                  [](std::ptrdiff_t n, const OpRow& op) {
                                    return n + 1 + static_cast<std::ptrdiff_t>(op.kernels.size());
                                  }));
  }
  const std::string text = read_file(f.at("report.md"));
  EXPECT_EQ(text, to_markdown(f.report, english()));
  std::size_t pictures = 0;
  for (std::size_t at = text.find("]("); at != std::string::npos; at = text.find("](", at + 1), ++pictures)
    EXPECT_TRUE(fs::exists(f.at(text.substr(at + 2, text.find(')', at) - at - 2)))) << text.substr(at, 40);
  EXPECT_EQ(pictures, 6u);
  // In the order of the lab's template.
  std::size_t before = 0;
  for (const char* heading :
       {"Environment", "Data-flow graph", "Loss and accuracy", "The ten most expensive operators",
        "Batch sizes", "Cold and warm", "Roofline", "The lab's measurement"}) {
    const std::size_t at = text.find(std::string(". ") + heading + '\n');
    EXPECT_NE(at, std::string::npos) << heading;
    EXPECT_GT(at, before) << heading;
    before = at;
  }
  EXPECT_NE(text.find("| conv2d | conv2d | "), std::string::npos);
  EXPECT_NE(text.find("127003.694"), std::string::npos);  // the reference's, at batch size 1
}

TEST(ReportRun, ExplainsTheWallTime) {
  if (!times_mean_something) GTEST_SKIP() << "times mean nothing in this build";
  for (const BatchSection& batch : finished().report.batches) {
    EXPECT_GE(batch.self_part, 0.97) << batch.batch;
    EXPECT_LE(batch.self_part, 1.01) << batch.batch;
    EXPECT_NEAR(batch.self_part + batch.timer_part + batch.outside_part + batch.waiting_part, 1, 0.005);
    // Medians of different rows come from different steps, so these need not add up on a busy machine.
    double shares = 0;
    for (const OpRow& op : batch.ops) shares += op.share;
    EXPECT_GE(shares, 0.6);
    EXPECT_LE(shares, 1.1);
  }
  EXPECT_LE(finished().report.batches.back().timer_part, 0.02);
}

TEST(ReportRun, ConvolutionRanksFirstAsInTheReference) {
  if (!times_mean_something) GTEST_SKIP() << "times mean nothing in this build";
  std::vector<std::string> ops;
  for (const FaithfulRow& row : finished().report.faithful.back().rows) {
    if (row.in_reference && row.op != "convolution") ops.push_back(row.op);
  }
  ASSERT_GE(ops.size(), 3u);
  EXPECT_EQ(ops[0], "conv2d");
  EXPECT_TRUE(ops[1] == "addmm" || ops[2] == "addmm") << ops[1];  // relu is a close second on a CPU
}

// ---- Pictures

// Every marker of a series is where the data says, computed independently.
int expect_markers(const DecodedPng& png, const std::vector<drawing::Series>& all,
                   const drawing::Series& series, const drawing::Plot& plot, bool logarithmic) {
  const drawing::Theme& theme = drawing::light_theme();
  const auto position = [&](double value, double low, double high, double from, double to) {
    if (logarithmic) value = std::log(value), low = std::log(low), high = std::log(high);
    return from + (to - from) * (value - low) / (high - low);
  };
  const drawing::Rect& area = plot.area;
  int seen = 0;
  for (const drawing::Point& p : series.points) {
    const double x = position(p.x, plot.x.low(), plot.x.high(), area.x, area.right());
    const double y = position(p.y, plot.y.low(), plot.y.high(), area.bottom(), area.y);
    const bool crowded = std::any_of(all.begin(), all.end(), [&](const drawing::Series& other) {
      return other.marker != drawing::Marker::none &&
             std::any_of(other.points.begin(), other.points.end(), [&](const drawing::Point& q) {
               const double distance = std::hypot(plot.x(q.x) - x, plot.y(q.y) - y);
               return (&other != &series || distance > 1e-6) && distance < 14;
             });
    });
    if (crowded) continue;
    ++seen;
    const drawing::Blob blob = find_color(png, theme.series(series.color), {x - 6, y - 6, 12, 12}, 2);
    EXPECT_GT(blob.pixels, 10) << p.x << ", " << p.y;
    EXPECT_NEAR(blob.x, 2 * x, 1) << p.x << ", " << p.y;
    EXPECT_NEAR(blob.y, 2 * y, 1) << p.x << ", " << p.y;
  }
  return seen;
}

void expect_text_inside(const Canvas& canvas) {
  for (const drawing::TextBox& text : canvas.texts())
    EXPECT_TRUE(canvas.area().contains(text.box)) << text.text;
}

Report apart_epochs() {
  Report report;
  report.training.tests = {{1, 20, 0.5, 0.8}, {3, 60, 0.3, 0.95}};
  return report;
}

TEST(ReportPictures, PlotPointsFromTheData) {
  const Finished& f = finished();
  const std::vector<Picture> all = pictures(f.report, english());
  EXPECT_EQ(all.size(), 5u);
  for (const Picture& picture : all) {
    const Canvas light = picture.draw(drawing::light_theme()), dark = picture.draw(drawing::dark_theme());
    expect_text_inside(light);
    EXPECT_EQ(light.png(), read_file(f.at(picture.name + ".png"))) << picture.name;
    EXPECT_EQ(dark.png(), read_file(f.at(picture.name + "-dark.png"))) << picture.name;
  }
  const auto check = [&](const drawing::LineChart& chart, bool logarithmic) {
    Canvas canvas(860, 440, drawing::light_theme().background);
    const drawing::Plot plot = draw(canvas, chart_area(canvas), chart, drawing::light_theme());
    const DecodedPng png(canvas.png());
    int seen = 0;
    for (const drawing::Series& series : chart.series) {
      const bool pale = series.opacity < 1;  // is blended with what is below it
      if (series.marker != drawing::Marker::none && !pale)
        seen += expect_markers(png, chart.series, series, plot, logarithmic);
    }
    return seen;
  };
  EXPECT_EQ(check(loss_chart(f.report, english()), false), 1);
  drawing::LineChart accuracy = accuracy_chart(apart_epochs(), english());
  for (drawing::Series& series : accuracy.series)
    series.width = 0;  // a line's end would move a marker's center
  EXPECT_EQ(check(accuracy, false), 2);
  check(roofline_chart(f.report, english()), true);  // where they do not overlap
  Report apart;
  apart.roofs = {100, 10, std::nullopt};
  apart.batches.resize(2);
  apart.batches[1].batch = 64;
  apart.roofline = {{0, "a", "a", "forward", "cpu", 0.5, 4, 0.1, "memory"},
                    {64, "b", "b", "forward", "cpu", 2, 15, 0.1, "memory"},
                    {64, "c", "c", "forward", "cpu", 30, 60, 0.1, "compute"},
                    {64, "d", "d", "forward", "cpu", 0.2, 9, 0.1, "cached"}};
  EXPECT_EQ(check(roofline_chart(apart, english()), true), 3);
}

TEST(ReportPictures, GraphHasEveryNodeAndEdgeOfTheModel) {
  const Finished& f = finished();
  const GraphSection& section = f.report.graph;
  graph::Graph graph;
  graph.title = "Reference CNN, batch size 16";
  graph.parameters = section.parameters;
  const std::map<std::string, graph::NodeKind> kinds{{"input", graph::NodeKind::input},
                                                     {"output", graph::NodeKind::output},
                                                     {"op", graph::NodeKind::op},
                                                     {"parameter", graph::NodeKind::parameter}};
  for (const GraphNode& node : section.nodes)
    graph.nodes.push_back({kinds.at(node.kind), node.name, node.module, node.parameters, 0, node.time_us});
  for (const GraphEdge& edge : section.edges)
    graph.edges.push_back({static_cast<std::size_t>(edge.from), static_cast<std::size_t>(edge.to),
                           Shape(Dims(edge.shape.data(), edge.shape.size())), DType::float32});
  models::MnistCnn net;
  const graph::Graph model = graph::capture_forward(net, rand_normal({16, 1, 28, 28}), "");
  ASSERT_EQ(graph.nodes.size(), model.nodes.size());
  ASSERT_EQ(graph.edges.size(), model.edges.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    EXPECT_EQ(graph.nodes[i].name, model.nodes[i].name);
    EXPECT_EQ(graph.nodes[i].time_us.has_value(), model.nodes[i].kind == graph::NodeKind::op);
  }
  for (std::size_t i = 0; i < graph.edges.size(); ++i) EXPECT_EQ(graph.edges[i].shape, model.edges[i].shape);
  const Canvas canvas = draw(graph);
  expect_text_inside(canvas);
  EXPECT_EQ(canvas.png(), read_file(f.at("graph.png")));
  std::multiset<std::string> texts;
  for (const drawing::TextBox& text : canvas.texts()) texts.insert(text.text);
  for (const graph::Node& node : graph.nodes) {
    for (const std::string& line : label_of(node)) EXPECT_TRUE(texts.contains(line)) << line;
  }
  EXPECT_GT(DecodedPng(read_file(f.at("graph.png"))).width, 100);
}

// ---- Other runs

class ReportRuns : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder / name).string(); }
  Report read(const std::string& name) const { return load_run(folder / name / "run.json"); }
  // A trained network, and as little measured as possible.
  static const fs::path& trained() {
    static const TemporaryFolder kept;
    static const fs::path out = [] {
      const Output output = run("--out '" + (kept / "out").string() +
                                "' --train-limit 1280 --test-limit 500 --batch 1 --rounds 1 --steps 1 "
                                "--provider-budget 0");
      EXPECT_EQ(output.code, 0) << output.text;
      return kept / "out";
    }();
    return out;
  }
  TemporaryFolder folder;
};

double forward_us(const BatchSection& batch, const std::string& name) {
  return std::find_if(batch.ops.begin(), batch.ops.end(),
                      [&](const OpRow& op) { return op.name == name && op.phase == "forward"; })
      ->time_us;
}

// Ranks by time, so that nothing may run beside it.
class TimedReportRuns : public ReportRuns {};

TEST_F(TimedReportRuns, TheRankingFollowsTheModel) {
  const Output output = run("--out '" + path("out") +
                            "' --epochs 0 --conv1 1 --conv2 1 --hidden 16384 --batch 64 --rounds 3 --steps 2 "
                            "--test-limit 64 --provider-budget 0 --faithful");
  ASSERT_EQ(output.code, 0) << output.text;
  const Report changed = read("out");
  EXPECT_EQ(changed.settings.model, "reference CNN, conv1 1, conv2 1, hidden 16384");
  EXPECT_EQ(changed.settings.parameters, 10 + 10 + 145 * 16384 + 16385 * 10);
  const auto linear_over_conv2d = [](const Report& report) {
    return forward_us(report.batches.back(), "linear") / forward_us(report.batches.back(), "conv2d");
  };
  EXPECT_GT(linear_over_conv2d(changed), 2);
  EXPECT_GT(linear_over_conv2d(changed), 4 * linear_over_conv2d(finished().report));
  const auto first_forward =
      std::find_if(changed.batches.back().ops.begin(), changed.batches.back().ops.end(),
                   [](const OpRow& op) { return op.phase == "forward"; });
  EXPECT_EQ(first_forward->name, "linear");
  EXPECT_TRUE(changed.providers.empty());
  EXPECT_FALSE(changed.training.has_weights);
  ASSERT_FALSE(changed.notes.empty());
  EXPECT_EQ(changed.notes.front().kind, "untrained");
  const std::string text = read_file(folder / "out" / "report.md");
  EXPECT_LT(text.find("in the lab's measurement"), text.find("The ten most expensive operators"));
}

TEST_F(ReportRuns, AcceptAFinishedRun) {
  const std::string from = trained().string();
  const Report first = load_run(trained() / "run.json");
  ASSERT_EQ(run("--out '" + path("out") + "' --from '" + from +
                "' --seed 7 --batch 3 --rounds 1 --steps 1 --test-limit 2 --provider-budget 0 --gzip")
                .code,
            0);
  Report report = read("out");
  EXPECT_EQ(report.training.source, from);
  EXPECT_EQ(report.training.epochs, 1);
  EXPECT_EQ(report.training.seed, 1u);
  EXPECT_EQ(report.settings.seed, 7u);
  const std::vector<double>&again = report.training.curve.loss, &before = first.training.curve.loss;
  ASSERT_EQ(again.size(), before.size());
  for (std::size_t i = 0; i < again.size(); ++i)
    EXPECT_NEAR(again[i], before[i], 1e-8 * before[i]);  // from its CSV
  EXPECT_DOUBLE_EQ(report.training.tests.at(0).accuracy, first.training.tests.at(0).accuracy);
  EXPECT_TRUE(fs::exists(folder / "out" / "trace.json.gz"));
  EXPECT_EQ(read_file(folder / "out" / "mnist_cnn.safetensors"),
            read_file(trained() / "mnist_cnn.safetensors"));
  EXPECT_TRUE(std::any_of(report.notes.begin(), report.notes.end(),
                          [](const Note& note) { return note.kind == "few_rounds"; }));
  // Weights alone have no curves unless these are passed. The existing report is replaced.
  ASSERT_EQ(run("--out '" + path("with") + "' --from '" + from + "/mnist_cnn.safetensors' --metrics '" +
                from + "/metrics.csv' --batch 1 --rounds 1 --steps 1 --provider-budget 0")
                .code,
            0);
  EXPECT_EQ(read("with").training.curve.loss, report.training.curve.loss);
  ASSERT_EQ(run("--out '" + path("out") + "' --from '" + from +
                "/mnist_cnn.safetensors' --batch 3 --rounds 1 --steps 1 --provider-budget 0")
                .code,
            0);
  report = read("out");
  EXPECT_TRUE(report.training.curve.loss.empty());
  EXPECT_FALSE(report.training.epochs);
  EXPECT_FALSE(fs::exists(folder / "out" / "loss.png"));
  EXPECT_FALSE(fs::exists(folder / "out" / "trace.json.gz"));
}

// Sends these signals once a file matching this pattern exists; by default Ctrl-C.
std::string interrupted(const std::string& out, const std::string& pattern, const std::string& arguments,
                        const std::vector<std::string>& signals = {"INT"}) {
  std::string kills;
  for (const std::string& signal : signals) kills += "sleep 0.05; kill -" + signal + " $report; ";
  return "( OMP_WAIT_POLICY=passive '" METRON_BINARY_DIR "/bin/metron' report --out '" + out + "' " +
         arguments + " & report=$!; until ls -d '" + out + "'.unfinished-*" + pattern +
         " >/dev/null 2>&1; do sleep 0.05; done; sleep 0.5; " + kills + "wait $report )";
}

TEST_F(ReportRuns, LeaveAReportWhenInterrupted) {
  const Output training = test::run_command(interrupted(path("a"), "", "--epochs 1000"));
  EXPECT_EQ(training.code, 130) << training.text;
  EXPECT_TRUE(contains(training.text, {"Interrupted"}));
  const Report a = read("a");
  EXPECT_FALSE(a.complete);
  EXPECT_EQ(a.interrupted_in, "training");
  EXPECT_TRUE(a.batches.empty());
  EXPECT_TRUE(
      contains(read_file(folder / "a" / "report.md"), {"interrupted during: training", "Not reached."}));

  const Output measuring = test::run_command(
      interrupted(path("b"), "/scratch/cold.json", "--epochs 0 --batch 1,2 --rounds 1000 --steps 1"));
  EXPECT_EQ(measuring.code, 130) << measuring.text;
  const Report b = read("b");
  EXPECT_EQ(b.interrupted_in, "measuring");
  EXPECT_TRUE(b.batches.empty() || b.batches.size() == 2);
  EXPECT_LT(b.settings.rounds, 1000);
  EXPECT_EQ(b.settings.rounds, b.batches.empty() ? 0 : b.batches.front().steps);  // one step per round
  EXPECT_EQ(b.settings.cold_runs, b.settings.rounds);
  for (const File& file : b.files) EXPECT_TRUE(fs::exists(folder / "b" / file.name)) << file.name;
  EXPECT_EQ(folder.names().size(), 2u) << "files are left behind";
}

TEST_F(ReportRuns, LeaveNothingWhenInterruptedTwice) {
  for (const auto& [pattern, arguments] :
       {std::pair("", "--epochs 1000"),
        {"/scratch/cold.json", "--epochs 0 --batch 1,2 --rounds 1000 --steps 1"},
        {"/graph.png", "--epochs 0 --batch 1,2 --rounds 1 --steps 1 --provider-budget 0"}}) {
    const Output output = test::run_command(interrupted(path("out"), pattern, arguments, {"INT", "INT"}));
    EXPECT_EQ(output.code, 130) << output.text;
    EXPECT_TRUE(contains(output.text, {"Press again to write nothing", "interrupted twice"})) << output.text;
    EXPECT_TRUE(folder.names().empty()) << pattern;
  }
}

TEST_F(ReportRuns, LeaveAReportWhenTerminated) {
  const std::string endless = "--epochs 0 --batch 1,2 --rounds 1000 --steps 1";
  for (const char* signal : {"TERM", "HUP"}) {
    const Output output =  // sent twice, as timeout does
        test::run_command(interrupted(path(signal), "/scratch/cold.json", endless, {signal, signal}));
    EXPECT_EQ(output.code, 128 + (std::string(signal) == "TERM" ? SIGTERM : SIGHUP)) << output.text;
    EXPECT_TRUE(contains(output.text, {"Interrupted: the report holds what was completed"})) << output.text;
    EXPECT_EQ(read(signal).interrupted_in, "measuring");
    EXPECT_EQ(folder.names(), std::vector<std::string>{signal}) << "files are left behind";
    fs::remove_all(folder / signal);
  }
  // The pipe's reader exits, which the program notices at the end of a stage.
  run("--out '" + path("out") + "' --epochs 0 --batch 1 --rounds 1 --steps 1 --provider-budget 0 | true");
  EXPECT_TRUE(folder.names().empty());
}

// Neither a loss that is not finite nor a path that is not UTF-8 costs the report at its end.
TEST_F(ReportRuns, KeepADivergedTraining) {
  const std::string out = path("caf\xe9");
  const Output output =
      run("--out '" + out + "' --train-limit 96 --test-limit 64 --epochs 2 --train-batch-size 8 " +
          "--lr 1e30 --batch 2 --rounds 1 --steps 1 --provider-budget 0");
  EXPECT_EQ(output.code, 0) << output.text;
  const Report report = load_run(fs::path(out) / "run.json");
  EXPECT_FALSE(std::isfinite(report.training.curve.loss.back()));
  EXPECT_TRUE(std::any_of(report.notes.begin(), report.notes.end(),
                          [](const Note& note) { return note.kind == "not_finite"; }));
  EXPECT_TRUE(
      contains(read_file(fs::path(out) / "report.md"), {"The loss is not finite from step ", "\\351"}));
  EXPECT_TRUE(fs::exists(fs::path(out) / "loss.png"));
}

TEST_F(ReportRuns, ReportErrors) {
  struct Case {
    std::string arguments;
    std::vector<std::string> words;
  };
  const std::string file = folder.write("file", "text").string();
  fs::create_directory(folder / "letters");
  folder.write("letters/letter", "x");
  fs::create_directory(folder / "empty");
  folder.write("empty/t10k-images-idx3-ubyte", std::string("\0\0\x08\x03\0\0\0\0\0\0\0\x1c\0\0\0\x1c", 16));
  folder.write("empty/t10k-labels-idx1-ubyte", std::string("\0\0\x08\x01\0\0\0\0", 8));
  const std::string weights = (trained() / "mnist_cnn.safetensors").string();
  const std::vector<Case> cases{
      {"--epochs -1", {"--epochs"}},
      {"--batch 0", {"--batch"}},
      {"--batch 16,x", {"--batch", "x"}},
      {"--rounds 0", {"--rounds"}},
      {"--nothing", {"--nothing"}},
      {"--epochs 1 --from x", {"--epochs", "--from"}},
      {"--lr 1 --from x", {"--lr", "--from"}},
      {"--gamma 1 --from x", {"--gamma", "--from"}},
      {"--train-batch-size 1 --from x", {"--train-batch-size", "--from"}},
      {"--train-limit 1 --from x", {"--train-limit", "--from"}},
      {"--device tpu", {"tpu"}},
      {"--providers nobody", {"nobody"}},
      {"--data /nonexistent", {"/nonexistent"}},
      {"--out /proc/report", {"/proc/report"}},
      {"--out '" + file + "'", {"file", "not a folder"}},
      {"--out '" + path("letters") + "'", {"letters", "no earlier report"}},
      {"--from /nonexistent", {"/nonexistent"}},
      {"--from '" + file + "'", {"file"}},
      {"--data '" + path("empty") + "' --epochs 0", {"t10k-images-idx3-ubyte", "has no images"}},
      {"--hidden 64 --from '" + weights + "'", {"fc1"}},
  };
  for (const Case& c : cases) {
    const Output output = run(
        (c.arguments.find("--out") == std::string::npos ? "--out '" + path("out") + "' " : "") + c.arguments);
    EXPECT_EQ(output.code, 2) << c.arguments << "\n" << output.text;
    for (const std::string& word : c.words)
      EXPECT_NE(output.text.find(word), std::string::npos) << word << " in\n" << output.text;
    EXPECT_LE(std::count(output.text.begin(), output.text.end(), '\n'), 2) << output.text;
  }
  EXPECT_EQ(folder.names().size(), 3u) << "files are left behind";
}

TEST_F(ReportRuns, LeaveNothingOnAFullDisk) {
  for (const char* size : {"1m", "12m"}) {  // too small for the weights, and for the pictures after them
    const MountedDisk disk(folder / "disk", size);
    if (!disk.is_mounted()) GTEST_SKIP() << "no small file system can be mounted here";
    const Output output =
        run("--out '" + path("disk/out") + "' --from '" + (trained() / "mnist_cnn.safetensors").string() +
            "' --batch 2 --rounds 1 --steps 1 --provider-budget 0");
    EXPECT_EQ(output.code, 2) << output.text;
    EXPECT_NE(output.text.find("No space left"), std::string::npos) << output.text;
    EXPECT_EQ(output.text.find("metron: ", output.text.find("metron: ") + 1), std::string::npos)
        << output.text;
    EXPECT_TRUE(fs::is_empty(folder / "disk")) << size;
  }
}

}  // namespace
}  // namespace metron::report
