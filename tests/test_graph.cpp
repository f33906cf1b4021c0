// Model graphs: captured nodes, attributed times, and complete pictures.
#include <gtest/gtest.h>
#include <metron/layers/models/mnist_cnn.h>
#include <metron/metron.h>
#include <metron/tools/graph/picture.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "expect_error.h"
#include "find_color.h"

namespace metron::graph {
namespace {

using drawing::Canvas;
using drawing::pixel_of;
using drawing::Rect;
using drawing::TextBox;
using test::expect_error;

std::vector<std::string> names_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes)
    names.push_back(node.module.empty() ? node.name : node.module + ':' + node.name);
  return names;
}

// "from -> to shape", sorted.
std::multiset<std::string> edges_of(const Graph& graph) {
  const std::vector<std::string> names = names_of(graph);
  std::multiset<std::string> edges;
  for (const Edge& edge : graph.edges)
    edges.insert(names[edge.from] + " -> " + names[edge.to] + ' ' + describe(edge.shape, edge.dtype));
  return edges;
}

Graph reference_graph(std::int64_t batch_size, bool backward) {
  manual_seed(1);
  models::MnistCnn net;
  const Tensor images = rand_normal({batch_size, 1, 28, 28});
  return backward ? capture_backward(net, images, Tensor::full({batch_size}, 3, {DType::int64}), "backward")
                  : capture_forward(net, images, "forward");
}

TEST(Graph, ForTheReferenceModelIsItsForward) {
  const Graph graph = reference_graph(2, false);
  EXPECT_EQ(names_of(graph),
            (std::vector<std::string>{"input", "conv1:conv2d", "relu", "conv2:conv2d", "relu", "max_pool2d",
                                      "dropout1:dropout2d", "contiguous", "flatten", "fc1:linear", "relu",
                                      "dropout2:dropout2d", "fc2:linear", "log_softmax", "output"}));
  EXPECT_EQ(
      edges_of(graph),
      (std::multiset<std::string>{
          "input -> conv1:conv2d 2×1×28×28 float32", "conv1:conv2d -> relu 2×32×26×26 float32",
          "relu -> conv2:conv2d 2×32×26×26 float32", "conv2:conv2d -> relu 2×64×24×24 float32",
          "relu -> max_pool2d 2×64×24×24 float32", "max_pool2d -> dropout1:dropout2d 2×64×12×12 float32",
          "dropout1:dropout2d -> contiguous 2×64×12×12 float32", "contiguous -> flatten 2×64×12×12 float32",
          "flatten -> fc1:linear 2×9216 float32", "fc1:linear -> relu 2×128 float32",
          "relu -> dropout2:dropout2d 2×128 float32", "dropout2:dropout2d -> fc2:linear 2×128 float32",
          "fc2:linear -> log_softmax 2×10 float32", "log_softmax -> output 2×10 float32"}));
  EXPECT_EQ(graph.parameters, 1'199'882);
  std::int64_t counted = 0;
  for (const Node& node : graph.nodes) counted += node.parameters;
  EXPECT_EQ(counted, graph.parameters);
  EXPECT_EQ(graph.nodes[3].parameters, 64 * 32 * 9 + 64);
}

TEST(Graph, ForTheBackwardPassEndsAtEveryParameter) {
  const Graph graph = reference_graph(2, true);
  const std::multiset<std::string> edges = edges_of(graph);
  EXPECT_TRUE(edges.contains("loss -> nll_loss backward float32"));
  EXPECT_TRUE(edges.contains("conv2:conv2d backward -> conv2:conv2.weight 64×32×3×3 float32"));
  EXPECT_TRUE(edges.contains("conv2:conv2d backward -> relu backward 2×32×26×26 float32"));
  std::int64_t parameters = 0, arrows = 0;
  for (const Node& node : graph.nodes) parameters += node.kind == NodeKind::parameter ? node.parameters : 0;
  EXPECT_EQ(parameters, 1'199'882);
  // The first convolution's input requires no gradient.
  for (const std::string& edge : edges) arrows += edge.starts_with("conv1:conv2d backward") ? 1 : 0;
  EXPECT_EQ(arrows, 2);
}

struct Residual : Module {
  Linear inner{4, 4};
  void members(MemberVisitor& visit) override { visit.module("inner", inner); }
  Tensor forward(const Tensor& x) override { return add(x, mul(inner(x), inner(x))); }
};
struct Outer : Module {
  Residual block;
  void members(MemberVisitor& visit) override { visit.module("block", block); }
  Tensor forward(const Tensor& x) override { return block(x); }
};

TEST(Graph, HasBranchesSharedAndNestedModules) {
  Outer model;
  const Graph graph = capture_forward(model, rand_normal({3, 4}), "residual");
  EXPECT_EQ(edges_of(graph),
            (std::multiset<std::string>{
                "input -> block.inner:linear 3×4 float32", "input -> block.inner:linear 3×4 float32",
                "block.inner:linear -> block:mul 3×4 float32", "block.inner:linear -> block:mul 3×4 float32",
                "input -> block:add 3×4 float32", "block:mul -> block:add 3×4 float32",
                "block:add -> output 3×4 float32"}));
  const Layout layout = lay_out(graph);
  ASSERT_EQ(layout.clusters.size(), 2u);
  EXPECT_EQ(layout.clusters[0].module, "block");
  EXPECT_EQ(layout.clusters[1].module, "block.inner");
  EXPECT_TRUE(layout.clusters[0].area.contains(layout.clusters[1].area));
}

TEST(Graph, RejectsUnsupportedModels) {
  Outer model;
  expect_error<DTypeError>(
      [&] {
        capture_forward(model, Tensor::zeros({3, 4}, {DType::int64}), "");
      },
      {"graph", "int64"});
  Graph graph = capture_forward(model, rand_normal({3, 4}), "");
  expect_error<ValueError>([&] { set_times(graph, Profile()); }, {"graph", "profile"});
}

Profile profile_reference(std::int64_t steps, bool mark_steps) {
  manual_seed(1);
  models::MnistCnn net;
  Adadelta optimizer(net.parameters(), {});
  const Tensor images = rand_normal({8, 1, 28, 28}), labels = Tensor::full({8}, 3, {DType::int64});
  Profiler profiler;
  profiler.start();
  for (std::int64_t i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    nll_loss(net(images), labels).backward();
    optimizer.step();
    if (mark_steps) profiler.step();
  }
  profiler.stop();
  return profiler.profile();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

TEST(GraphTimes, MatchTheirOps) {
  const Profile profile = profile_reference(6, true);
  const std::vector<RecordTimes> times = corrected_times(profile);
  Graph graph = reference_graph(8, false);
  set_times(graph, profile);
  // The three relus of a step belong to no named module and are told apart by their order.
  std::vector<std::vector<double>> relus(3);
  std::size_t seen = 0;
  for (std::size_t i = 0; i < profile.records.size(); ++i) {
    const Record& record = profile.records[i];
    if (record.kind != RecordKind::op || record.phase != Phase::forward || record.name != std::string("relu"))
      continue;
    const std::size_t which = seen++ % 3;
    if (record.first) continue;
    relus[which].push_back(times[i].total_ns * 1e-3);
  }
  std::size_t which = 0;
  for (const Node& node : graph.nodes) {
    if (node.kind != NodeKind::op) continue;
    ASSERT_TRUE(node.time_us.has_value()) << node.name;
    if (node.name != "relu") continue;
    EXPECT_NEAR(*node.time_us, median(relus[which]), 1e-6 * median(relus[which]));
    ++which;
  }
  EXPECT_EQ(which, 3u);
}

TEST(GraphTimes, DoNotMixBatchSizes) {
  const Profile profile = profile_reference(3, true);  // at batch size 8
  for (const bool backward : {false, true}) {
    Graph graph = reference_graph(64, backward);
    expect_error<ValueError>([&] { set_times(graph, profile); },
                             {" only for float32 (8, ", " has it for (64, ", "batch size"});
  }
}

TEST(GraphTimes, OfBackwardNodesAreTheBackwardPass) {
  const Profile profile = profile_reference(5, false);
  Graph graph = reference_graph(8, true);
  set_times(graph, profile);
  const std::vector<RecordTimes> times = corrected_times(profile);
  // By module, name and number of the forward op in its step.
  using Key = std::tuple<std::string, std::string, std::int32_t>;
  std::map<std::pair<std::string, std::string>, std::int32_t> per_step, seen;
  for (const Node& node : graph.nodes)
    if (node.kind == NodeKind::op) ++per_step[{node.module, node.name}];
  std::map<std::int32_t, Key> of_forward;
  std::map<Key, std::vector<double>> calls_us;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const Record& record = profile.records[i];
    if (record.kind != RecordKind::op || record.phase == Phase::optimizer) continue;
    const std::pair name(profile.strings[record.module], record.name + std::string(" backward"));
    if (record.phase == Phase::forward) {
      const auto found = per_step.find(name);
      if (found != per_step.end())
        of_forward[static_cast<std::int32_t>(i)] = {name.first, name.second, seen[name]++ % found->second};
      continue;
    }
    if (record.first || record.forward < 0 || op_of(profile, record.parent) >= 0) continue;
    ASSERT_TRUE(of_forward.contains(record.forward)) << record.name << " has no node";
    calls_us[of_forward.at(record.forward)].push_back(times[i].total_ns * 1e-3);
  }
  std::size_t timed = 0;
  for (const Node& node : graph.nodes) {
    if (!node.time_us) continue;
    ++timed;
    const double expected = median(calls_us.at({node.module, node.name, node.occurrence}));
    EXPECT_NEAR(*node.time_us, expected, 1e-6 * expected) << node.name;
  }
  EXPECT_EQ(timed, calls_us.size());
}

TEST(GraphPicture, HasEveryNodeAndEdgeWithTextInside) {
  for (const bool backward : {false, true}) {
    for (const drawing::Theme* theme : {&drawing::light_theme(), &drawing::dark_theme()}) {
      Graph graph = reference_graph(8, backward);
      set_times(graph, profile_reference(3, true));
      const Canvas canvas = draw(graph, *theme);
      std::multiset<std::string> texts;
      for (const TextBox& text : canvas.texts()) texts.insert(text.text);
      std::multiset<std::string> expected;
      for (const Node& node : graph.nodes) {
        for (const std::string& line : label_of(node)) expected.insert(line);
      }
      for (const Edge& edge : graph.edges) expected.insert(describe(edge.shape, edge.dtype));
      EXPECT_TRUE(std::includes(texts.begin(), texts.end(), expected.begin(), expected.end()));
      for (std::size_t i = 0; i < canvas.texts().size(); ++i) {
        const TextBox& text = canvas.texts()[i];
        EXPECT_TRUE(canvas.area().contains(text.box)) << text.text;
        for (std::size_t j = 0; j < i; ++j)
          EXPECT_FALSE(text.box.shrunk(1).overlaps(canvas.texts()[j].box.shrunk(1)))
              << text.text << " on " << canvas.texts()[j].text;
      }
      // As decoded: the most expensive op has the hottest color at its label, and the page's corner has the
      // background color.
      const DecodedPng png(canvas.png(2));
      const auto hottest = std::max_element(
          graph.nodes.begin(), graph.nodes.end(),
          [](const Node& a, const Node& b) { return a.time_us.value_or(0) < b.time_us.value_or(0); });
      int found = 0;
      for (const TextBox& text : canvas.texts()) {
        if (text.text != label_of(*hottest).back()) continue;
        const Pixel beside =
            png.at(static_cast<int>(2 * (text.box.x - 5)), static_cast<int>(2 * text.box.center().y));
        found += beside.is_near(pixel_of(theme->hot), 8) ? 1 : 0;
      }
      EXPECT_EQ(found, 1);
      EXPECT_TRUE(png.at(1, 1).is_near(pixel_of(theme->background), 2));
    }
  }
}

TEST(GraphPicture, NodesAndArrowsMatchTheLayout) {
  const Graph graph = reference_graph(3, true);
  const Layout layout = lay_out(graph);
  ASSERT_EQ(layout.nodes.size(), graph.nodes.size());
  ASSERT_EQ(layout.curves.size(), graph.edges.size());
  const Rect page{0, 0, layout.width, layout.height};
  for (std::size_t i = 0; i < layout.nodes.size(); ++i) {
    EXPECT_TRUE(Rect({-1, -1, page.width + 2, page.height + 2}).contains(layout.nodes[i]));
    for (std::size_t j = 0; j < i; ++j) EXPECT_FALSE(layout.nodes[i].overlaps(layout.nodes[j]));
    for (const Layout::Cluster& cluster : layout.clusters)
      EXPECT_EQ(cluster.area.contains(layout.nodes[i]), graph.nodes[i].module == cluster.module)
          << graph.nodes[i].name;
  }
  for (const Layout::Curve& curve : layout.curves) {
    const auto near = [&](std::size_t node, drawing::Point p) {
      return layout.nodes[node].shrunk(-3).contains(p);
    };
    ASSERT_GE(curve.points.size(), 4u);
    EXPECT_EQ(curve.points.size() % 3, 1u);
    EXPECT_TRUE(near(graph.edges[curve.edge].from, curve.points.front()));
    EXPECT_TRUE(near(graph.edges[curve.edge].to, curve.tip));
  }
}

TEST(GraphPicture, FoldsIntoColumns) {
  const Graph graph = reference_graph(64, false);
  const Layout whole = lay_out(graph);
  EXPECT_EQ(folded(whole, graph, 1).height, whole.height);
  double before = whole.height;
  for (const int columns : {2, 3}) {
    const Layout layout = folded(whole, graph, columns);
    EXPECT_LT(layout.height, before);
    EXPECT_LT(layout.height, 1.3 * whole.height / columns);
    before = layout.height;
    const Rect page{-1, -1, layout.width + 2, layout.height + 2};
    std::set<int> middles;
    for (std::size_t i = 0; i < layout.nodes.size(); ++i) {
      EXPECT_TRUE(page.contains(layout.nodes[i]));
      middles.insert(static_cast<int>(std::lround(layout.nodes[i].center().x / 20)));  // up to rounding
      for (std::size_t j = 0; j < i; ++j) EXPECT_FALSE(layout.nodes[i].overlaps(layout.nodes[j]));
      for (const Layout::Cluster& cluster : layout.clusters)
        EXPECT_EQ(cluster.area.contains(layout.nodes[i]), graph.nodes[i].module == cluster.module);
    }
    EXPECT_EQ(middles.size(), static_cast<std::size_t>(columns));
    for (const Layout::Curve& curve : layout.curves) {
      const Rect &from = layout.nodes[graph.edges[curve.edge].from],
                 &to = layout.nodes[graph.edges[curve.edge].to];
      EXPECT_EQ(curve.points.size() % 3, 1u);
      EXPECT_TRUE(from.shrunk(-3).contains(curve.points.front()));
      EXPECT_TRUE(to.shrunk(-3).contains(curve.tip));
      for (const drawing::Point& point : curve.points) EXPECT_TRUE(page.contains(point));
      // An arrow passes through no other box.
      for (std::size_t p = 3; p + 1 < curve.points.size(); p += 3)
        for (const Rect& node : layout.nodes)
          EXPECT_FALSE(&node != &from && &node != &to && node.contains(curve.points[p]));
    }
    for (const Layout::Cluster& cluster : layout.clusters) EXPECT_TRUE(cluster.area.contains(cluster.label));
  }
  const drawing::Canvas canvas = draw(graph);
  EXPECT_LT(canvas.height(), 1.5 * canvas.width());
  // A graph that can't be cut at one edge stays whole.
  Graph branches;
  branches.nodes.resize(4);
  branches.edges = {{0, 1, {2}, {}}, {0, 2, {2}, {}}, {1, 3, {2}, {}}, {2, 3, {2}, {}}};
  const Layout branched = lay_out(branches);
  EXPECT_EQ(folded(branched, branches, 2).height, branched.height);
}

TEST(GraphDot, EscapesSpecialCharacters) {
  Graph graph;
  graph.title = "a \"title\" with \\ and\nlines";
  graph.nodes = {{.kind = NodeKind::input, .name = "in \"x\""}, {.name = "op<>&|{}", .module = "m\"1"}};
  graph.edges = {{0, 1, {2, 3}, DType::float64}};
  const Layout layout = lay_out(graph);
  EXPECT_EQ(layout.nodes.size(), 2u);
  EXPECT_EQ(layout.clusters.at(0).module, "m\"1");
  EXPECT_NE(to_dot(graph).find("in \\\"x\\\""), std::string::npos);
  EXPECT_FALSE(draw(graph).svg().empty());
}

TEST(GraphText, GroupsDigitsByThousands) {
  EXPECT_EQ(thousands(0), "0");
  EXPECT_EQ(thousands(999), "999");
  EXPECT_EQ(thousands(1000), "1,000");
  EXPECT_EQ(thousands(1199882), "1,199,882");
  EXPECT_EQ(thousands(-1234), "-1,234");
  EXPECT_EQ(describe({}, DType::int64), "int64");
}

}  // namespace
}  // namespace metron::graph
