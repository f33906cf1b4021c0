// Sizes and texts shared by the DOT file and the picture. Private to the graph library.
#pragma once

#include <metron/tools/graph/picture.h>

#include <map>
#include <string>

namespace metron::graph {

inline constexpr double name_size = 13, detail_size = 11, edge_size = 11, cluster_size = 12;  // of text
inline constexpr double line_height = 16;
inline constexpr double padding_x = 14, padding_y = 8;

std::string time_label(double us, const Words& words);  // "5.31 ms"
drawing::TextStyle style_of_line(std::size_t line, drawing::Color color);
drawing::Rect node_extent(const Node& node, const Words& words);  // at the origin

// The last component of the module's path, and its parameter count if several of its ops have parameters.
std::string cluster_label(const Graph& graph, const std::string& module);

// Node colors, from cold to hot by the square root of the time relative to the most expensive op: linear
// colors would show only that one.
class NodeColors {
 public:
  NodeColors(const Graph& graph, const drawing::Theme& theme);
  drawing::Color fill(const Node& node) const;

 private:
  const drawing::Theme& theme_;
  double most_us_ = 0;
};

}  // namespace metron::graph
