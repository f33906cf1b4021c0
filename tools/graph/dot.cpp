#include <metron/core/internal/classic_stream.h>
#include <metron/tools/graph/dot.h>
#include <metron/tools/graph/labels.h>

#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <sstream>

namespace metron::graph {

using namespace drawing;

namespace {

constexpr double units_per_inch = 72;  // one unit of the picture is a point in Graphviz

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c == '\n' ? "\\n" : std::string(1, c);
  }
  return result + '"';
}

std::string hex(const Color& color) {
  const auto byte = [](double part) { return static_cast<unsigned>(std::lround(part * 255)); };
  char text[16];
  std::snprintf(text, sizeof text, "#%02X%02X%02X", byte(color.r), byte(color.g), byte(color.b));
  return text;
}

// The children of every module path and its prefixes; "" is the root.
std::map<std::string, std::set<std::string>> module_tree(const Graph& graph) {
  std::map<std::string, std::set<std::string>> children{{"", {}}};
  for (const Node& node : graph.nodes) {
    for (std::string path = node.module; !path.empty();) {
      const std::size_t dot = path.rfind('.');
      const std::string outer = dot == std::string::npos ? "" : path.substr(0, dot);
      children[outer].insert(path);
      children.try_emplace(path);
      path = outer;
    }
  }
  return children;
}

class DotWriter {
 public:
  DotWriter(const Graph& graph, const Theme& theme, DotPurpose purpose)
      : graph_(graph), theme_(theme), colors_(graph, theme), for_layout_(purpose == DotPurpose::layout) {}

  std::string write() {
    out_ << "digraph " << quoted(graph_.title) << " {\n"
         << "  graph [rankdir=TB, nodesep=0.3, ranksep=0.35, bgcolor=\"" << hex(theme_.background)
         << "\", fontname=\"DejaVu Sans\", fontcolor=\"" << hex(theme_.muted) << "\"];\n"
         << "  node [shape=box, style=\"filled,rounded\", fixedsize=true, fontname=\"DejaVu Sans\", fontsize="
         << detail_size << ", color=\"" << hex(theme_.axis) << "\"];\n"
         << "  edge [fontname=\"DejaVu Sans\", fontsize=" << edge_size << ", color=\"" << hex(theme_.axis)
         << "\", fontcolor=\"" << hex(theme_.muted) << "\", arrowsize=0.7];\n";
    write_module("", module_tree(graph_), 1);
    for (std::size_t i = 0; i < graph_.edges.size(); ++i) {
      const Edge& edge = graph_.edges[i];
      out_ << "  n" << edge.from << " -> n" << edge.to << " [key=e" << i
           << ", label=" << label(describe(edge.shape, edge.dtype), edge_size) << "];\n";
    }
    out_ << "}\n";
    return out_.str();
  }

 private:
  // For the layout, a box of the size that the drawing library measures: Graphviz's fonts may differ.
  std::string label(const std::string& text, double size) const {
    if (!for_layout_) return quoted(text);
    const TextExtent extent = Canvas::measure(text, {.size = size, .color = {}});
    metron::detail::ClassicStream html;
    html << "<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\" FIXEDSIZE=\"TRUE\" "
            "WIDTH=\""
         << std::ceil(extent.width) + 8 << "\" HEIGHT=\"" << std::ceil(extent.height()) + 2
         << "\"><TR><TD></TD></TR></TABLE>>";
    return html.str();
  }

  // Leaves room for the label next to an arrow that enters in the middle.
  double margin_of(const std::string& module) const {
    constexpr double least = 10, gap = 16;
    double widest = 0;
    for (const Node& node : graph_.nodes) {
      if (node.module == module || node.module.starts_with(module + '.'))
        widest = std::max(widest, node_extent(node, graph_.words).width);
    }
    const double label =
        Canvas::measure(cluster_label(graph_, module), {.size = cluster_size, .color = {}}).width;
    return std::max(least, std::ceil(label + gap - widest / 2));
  }

  void write_module(const std::string& module, const std::map<std::string, std::set<std::string>>& tree,
                    int depth) {
    const std::string indent(2 * static_cast<std::size_t>(depth), ' ');
    if (!module.empty()) {
      out_ << indent.substr(2) << "subgraph " << quoted("cluster_" + module) << " {\n"
           << indent << "label=" << label(cluster_label(graph_, module), cluster_size)
           << "; labeljust=l; style=\"filled,rounded\"; margin=" << margin_of(module) << "; color=\""
           << hex(theme_.grid) << "\"; fillcolor=\"" << hex(theme_.panel) << "\";\n";
    }
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (graph_.nodes[i].module == module) write_node(i, indent);
    }
    for (const std::string& child : tree.at(module)) write_module(child, tree, depth + 1);
    if (!module.empty()) out_ << indent.substr(2) << "}\n";
  }

  void write_node(std::size_t index, const std::string& indent) {
    const Node& node = graph_.nodes[index];
    const Rect extent = node_extent(node, graph_.words);
    std::string text;
    for (const std::string& line : label_of(node, graph_.words)) text += (text.empty() ? "" : "\n") + line;
    out_ << indent << 'n' << index << " [label=" << quoted(for_layout_ ? "" : text)
         << ", width=" << extent.width / units_per_inch << ", height=" << extent.height / units_per_inch
         << ", fillcolor=\"" << hex(colors_.fill(node)) << "\", fontcolor=\"" << hex(theme_.ink) << "\"];\n";
  }

  const Graph& graph_;
  const Theme& theme_;
  NodeColors colors_;
  bool for_layout_;
  metron::detail::ClassicStream out_;
};

}  // namespace

std::string write_dot(const Graph& graph, const Theme& theme, DotPurpose purpose) {
  return DotWriter(graph, theme, purpose).write();
}

std::string to_dot(const Graph& graph, const Theme& theme) {
  return write_dot(graph, theme, DotPurpose::show);
}

}  // namespace metron::graph
