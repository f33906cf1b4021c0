// The DOT text of a graph. Private to the graph library.
#pragma once

#include <metron/tools/graph/picture.h>

namespace metron::graph {

enum class DotPurpose : std::uint8_t {
  show,    // with texts
  layout,  // boxes of the texts' sizes instead
};
std::string write_dot(const Graph& graph, const drawing::Theme& theme, DotPurpose purpose);

}  // namespace metron::graph
