// The DOT text of a graph. Private to the graph library.
#pragma once

#include <metron/tools/graph/picture.h>

namespace metron::graph {

enum class DotPurpose : std::uint8_t {
  show,    // complete
  layout,  // with empty boxes in place of the texts
};
std::string write_dot(const Graph& graph, const drawing::Theme& theme, DotPurpose purpose);

}  // namespace metron::graph
