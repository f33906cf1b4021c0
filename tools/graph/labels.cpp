#include <metron/core/numbers.h>
#include <metron/tools/graph/labels.h>

#include <algorithm>
#include <cmath>

namespace metron::graph {

using namespace drawing;

namespace {

std::string time_text(double us) {
  return us < 1000 ? fixed_text(us, 1) + " µs" : fixed_text(us * 1e-3, 2) + " ms";
}

}  // namespace

std::string time_label(double us, const Words& words) { return time_text(us) + words.mark; }

std::vector<std::string> label_of(const Node& node, const Words& words) {
  std::vector<std::string> lines{node.name};
  if (node.parameters > 0)
    lines.push_back(thousands(node.parameters) + (node.parameters == 1 ? words.parameter : words.parameters));
  if (node.time_us) lines.push_back(time_label(*node.time_us, words));
  return lines;
}

TextStyle style_of_line(std::size_t line, Color color) {
  return {.size = line == 0 ? name_size : detail_size, .color = color, .bold = line == 0};
}

Rect node_extent(const Node& node, const Words& words) {
  const std::vector<std::string> lines = label_of(node, words);
  double width = 0;
  for (std::size_t i = 0; i < lines.size(); ++i)
    width = std::max(width, Canvas::measure(lines[i], style_of_line(i, {})).width);
  return {0, 0, std::ceil(width + 2 * padding_x),
          static_cast<double>(lines.size()) * line_height + 2 * padding_y};
}

std::string cluster_label(const Graph& graph, const std::string& module) {
  std::int64_t parameters = 0, readers = 0;
  for (const Node& node : graph.nodes) {
    if (node.module != module && !node.module.starts_with(module + '.')) continue;
    parameters += node.parameters;
    readers += node.parameters > 0 ? 1 : 0;
  }
  const std::string name = module.substr(module.rfind('.') + 1);
  return readers > 1 ? name + " · " + thousands(parameters) : name;
}

NodeColors::NodeColors(const Graph& graph, const Theme& theme) : theme_(theme) {
  for (const Node& node : graph.nodes) most_us_ = std::max(most_us_, node.time_us.value_or(0));
}

Color NodeColors::fill(const Node& node) const {
  if (node.kind == NodeKind::parameter) return theme_.panel;
  if (node.kind != NodeKind::op) return theme_.grid;
  return theme_.heat(most_us_ > 0 ? std::sqrt(node.time_us.value_or(0) / most_us_) : 0);
}

}  // namespace metron::graph
