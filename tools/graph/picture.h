// A graph as a picture: Graphviz lays it out, the drawing library draws it.
#pragma once

#include <metron/tools/drawing/canvas.h>
#include <metron/tools/drawing/theme.h>
#include <metron/tools/graph/graph.h>

#include <cstddef>
#include <string>
#include <vector>

namespace metron::graph {

// Modules are clusters, ops are nodes as large as their labels, shapes and dtypes label the edges. Plain
// Graphviz draws it as well: `dot -Tsvg`.
std::string to_dot(const Graph& graph, const drawing::Theme& theme = drawing::light_theme());

struct Layout {
  struct Cluster {
    std::string module;
    drawing::Rect area;
    drawing::Point label;  // its center
  };
  struct Curve {
    std::size_t edge = 0;
    std::vector<drawing::Point> points;  // a start, then two control points and an end for each segment
    drawing::Point tip;                  // of the arrow
    drawing::Point label;                // its center
  };
  double width = 0, height = 0;
  std::vector<drawing::Rect> nodes;  // as Graph::nodes
  std::vector<Cluster> clusters;     // the outer before the inner
  std::vector<Curve> curves;         // as Graph::edges
};
Layout lay_out(const Graph& graph);  // Error where Graphviz can't

drawing::Canvas draw(const Graph& graph, const drawing::Theme& theme = drawing::light_theme());

// The lines of a node's label: its name, then parameters and time where it has them.
std::vector<std::string> label_of(const Node& node, const Words& words = {});

}  // namespace metron::graph
