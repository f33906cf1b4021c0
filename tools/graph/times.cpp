// Matches the records of a profile with the nodes of a graph: the n-th op of a name and module in each pass.
#include <metron/core/error.h>
#include <metron/core/internal/classic_stream.h>
#include <metron/core/profiler/ranking.h>
#include <metron/tools/graph/graph.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <tuple>

namespace metron::graph {
namespace {

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 != 0) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

using Key = std::tuple<std::string, std::string>;  // module and name

// Time of each op including its own kernels but not nested ops.
std::vector<double> own_times(const Profile& profile) {
  const std::vector<RecordTimes> times = corrected_times(profile);
  std::vector<double> own(times.size());
  for (std::size_t i = 0; i < times.size(); ++i) {
    const Record& record = profile.records[i];
    if (record.kind == RecordKind::range) continue;
    const std::int32_t op = op_of(profile, static_cast<std::int32_t>(i));
    own[op < 0 ? i : static_cast<std::size_t>(op)] += times[i].self_ns;
  }
  return own;
}

// The record of the forward op, which also identifies the node of its backward op.
std::int32_t forward_of(const Record& record, std::int32_t index) {
  return record.phase == Phase::backward ? record.forward : index;
}

// The operands of each op's own kernels: "float32 (64, 1, 28, 28), float32 (32, 1, 3, 3)".
std::vector<std::string> operands_of_ops(const Profile& profile) {
  std::vector<std::string> operands(profile.records.size());
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const Record& record = profile.records[i];
    const std::int32_t op = op_of(profile, static_cast<std::int32_t>(i));
    if (record.kind != RecordKind::kernel || op < 0) continue;
    std::string& text = operands[static_cast<std::size_t>(op)];
    text += (text.empty() ? "" : ", ") + profile.strings[record.signature];
  }
  return operands;
}

// The shapes on the node's edges, formatted as operands: "(64, 1, 28, 28)".
std::vector<std::string> shapes_at(const Graph& graph, std::size_t node) {
  std::vector<std::string> shapes;
  for (const Edge& edge : graph.edges) {
    if (edge.from != node && edge.to != node) continue;
    metron::detail::ClassicStream text;
    text << edge.shape;
    shapes.push_back(text.str());
  }
  return shapes;
}

bool is_outermost_backward(const Profile& profile, const Record& record) {
  const std::int32_t around = op_of(profile, record.parent);
  return around < 0 || profile.records[static_cast<std::size_t>(around)].phase != Phase::backward;
}

}  // namespace

void set_times(Graph& graph, const Profile& profile) {
  std::map<Key, std::int32_t> per_pass;  // number of nodes
  const auto key_of = [&](const Node& node) {
    constexpr std::string_view suffix = " backward";
    const std::size_t length = node.name.size() - (graph.backward ? suffix.size() : 0);
    return Key(node.module, node.name.substr(0, length));
  };
  std::map<std::pair<Key, std::int32_t>, std::vector<std::string>> shapes;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.kind != NodeKind::op) continue;
    ++per_pass[key_of(node)];
    shapes[{key_of(node), node.occurrence}] = shapes_at(graph, i);
  }

  const std::vector<double> own = own_times(profile);
  const std::vector<std::string> operands = operands_of_ops(profile);
  const std::vector<RecordTimes> times = corrected_times(profile);
  std::map<Key, std::int32_t> seen;                  // forward calls so far
  std::map<std::int32_t, std::int32_t> occurrences;  // by forward record
  std::map<std::pair<Key, std::int32_t>, std::vector<double>> calls_ns;
  std::map<std::pair<Key, std::int32_t>, std::string> others;  // operands of skipped calls
  for (std::size_t i = 0; i < own.size(); ++i) {
    const Record& record = profile.records[i];
    const auto index = static_cast<std::int32_t>(i);
    if (record.kind != RecordKind::op || record.phase == Phase::optimizer) continue;
    const bool backward = record.phase == Phase::backward;
    if (!backward) {
      const auto found = per_pass.find({profile.strings[record.module], record.name});
      if (found == per_pass.end()) continue;
      occurrences[index] = seen[found->first]++ % found->second;
    }
    if (backward != graph.backward || record.first) continue;
    if (backward && !is_outermost_backward(profile, record)) continue;
    const auto occurrence = occurrences.find(forward_of(record, index));
    if (occurrence == occurrences.end()) continue;
    const std::pair node(Key(profile.strings[record.module], record.name), occurrence->second);
    // Skip calls with another batch size.
    const std::string& given = operands[static_cast<std::size_t>(occurrence->first)];
    const std::vector<std::string>& wanted = shapes[node];
    const bool fits = given.empty() || wanted.empty() ||
                      std::any_of(wanted.begin(), wanted.end(), [&](const std::string& shape) {
                        return given.find(shape) != std::string::npos;
                      });
    if (fits) {
      calls_ns[node].push_back(backward ? times[i].total_ns : own[i]);
    } else {
      others[node] = given;
    }
  }

  for (Node& node : graph.nodes) {
    if (node.kind != NodeKind::op) continue;
    const std::pair key(key_of(node), node.occurrence);
    const auto found = calls_ns.find(key);
    const auto other = others.find(key);
    if (found == calls_ns.end() && other != others.end())
      fail<ValueError>("graph", "the profile has ", node.name, node.module.empty() ? "" : " in ", node.module,
                       " only for ", other->second, ", the graph has it for ", shapes[key].front(),
                       ": it was recorded with another batch size or model");
    check<ValueError>(found != calls_ns.end(), "graph", "the profile has no warm call of ", node.name,
                      node.module.empty() ? "" : " in ", node.module,
                      ": it was recorded with another model or is too short");
    node.time_us = median(found->second) * 1e-3;
  }
}

}  // namespace metron::graph
