// Pictures of graphs: Graphviz computes the layout, the drawing library draws.
#pragma once

#include <metron/tools/drawing/canvas.h>
#include <metron/tools/drawing/theme.h>
#include <metron/tools/graph/graph.h>

#include <cstddef>
#include <string>
#include <vector>

namespace metron::graph {

// Modules are clusters, ops are nodes sized to their labels, and edges are labeled with shape and dtype.
// Graphviz can also render it: `dot -Tsvg`.
std::string to_dot(const Graph& graph, const drawing::Theme& theme = drawing::light_theme());

struct Layout {
  struct Cluster {
    std::string module;
    drawing::Rect area;
    drawing::Point label;  // center
  };
  struct Curve {
    std::size_t edge = 0;
    std::vector<drawing::Point> points;  // cubic: a start, then two control points and an end per segment
    drawing::Point tip;                  // of the arrowhead
    drawing::Point label;                // center
  };
  double width = 0, height = 0;
  std::vector<drawing::Rect> nodes;  // in the order of Graph::nodes
  std::vector<Cluster> clusters;     // outer before inner
  std::vector<Curve> curves;         // in the order of Graph::edges
};
Layout lay_out(const Graph& graph);  // Error if Graphviz fails
// The layout of a long graph in up to `columns` columns of similar height, read from left to right. It is cut
// where one edge leads from above to below, and neither a node nor a cluster is divided; there may be fewer
// such places.
Layout folded(const Layout& layout, const Graph& graph, int columns);

drawing::Canvas draw(const Graph& graph, const drawing::Theme& theme = drawing::light_theme());

// The lines of a node's label: name, then parameters and time if it has any.
std::vector<std::string> label_of(const Node& node, const Words& words = {});

}  // namespace metron::graph
