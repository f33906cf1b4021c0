#include <metron/core/autograd.h>
#include <metron/core/error.h>
#include <metron/core/internal/classic_stream.h>
#include <metron/core/ops.h>
#include <metron/core/profiler/profiler.h>
#include <metron/layers/loss.h>
#include <metron/tools/graph/graph.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <tuple>
#include <utility>

namespace metron::graph {
namespace {

// Autograd's record of a tensor, with the node that computed it.
using Meta = std::shared_ptr<GradMeta>;

// Everything that `root` was computed from, oldest first. An op is newer than its inputs.
std::vector<Meta> ancestors(const Meta& root) {
  std::map<std::uint64_t, Meta> found{{root->sequence, root}};
  std::vector<Meta> waiting{root};
  while (!waiting.empty()) {
    const Meta meta = std::move(waiting.back());
    waiting.pop_back();
    if (meta->node == nullptr) continue;
    for (const Meta& input : meta->node->inputs) {
      if (input != nullptr && found.emplace(input->sequence, input).second) waiting.push_back(input);
    }
  }
  std::vector<Meta> list;
  list.reserve(found.size());
  for (const auto& [sequence, meta] : found) list.push_back(meta);
  return list;
}

// Runs `forward` under a profiler, which records the module of every op.
class Recorded {
 public:
  template <typename Forward>
  Recorded(Module& model, const Forward& forward) : parameters_(model.named_parameters()) {
    const GradModeGuard recording(true);
    profiler_.start();
    output_ = forward();
    profiler_.stop();
    check<ValueError>(output_.requires_grad(), "graph", "the model's output requires no gradient");
    metas_ = ancestors(output_.grad_meta());
  }

  const std::vector<Meta>& metas() const { return metas_; }
  const Meta& output() const { return output_.grad_meta(); }
  const std::string& module_of(const GradMeta& meta) const {
    return profiler_.string(meta.node->position.module);
  }
  const NamedTensor* parameter_of(const Meta& meta) const {
    const auto found = std::find_if(parameters_.begin(), parameters_.end(), [&](const NamedTensor& named) {
      return named.tensor.grad_meta() == meta;
    });
    return found == parameters_.end() ? nullptr : &*found;
  }

  // Counts occurrences, so it must be called in forward order.
  Node op_node(const GradMeta& meta) {
    Node node;
    node.name = meta.node->name;
    node.module = module_of(meta);
    node.occurrence = occurrences_[{node.module, node.name}]++;
    for (const Meta& input : meta.node->inputs) {
      if (input != nullptr && input->node == nullptr && parameter_of(input) != nullptr)
        node.parameters += input->shape.numel();
    }
    return node;
  }

 private:
  std::vector<NamedTensor> parameters_;
  Profiler profiler_;
  Tensor output_;
  std::vector<Meta> metas_;
  std::map<std::pair<std::string, std::string>, std::int32_t> occurrences_;
};

}  // namespace

Graph capture_forward(Module& model, const Tensor& input, const std::string& title) {
  check<DTypeError>(is_floating(input.dtype()), "graph", "the input must be floating, got ",
                    metron::describe(input));
  Tensor x = input.detach();
  x.set_requires_grad();  // also records the ops before the first parameter
  Recorded run(model, [&] { return model(x); });

  Graph graph;
  graph.title = title;
  graph.parameters = model.parameter_count();
  std::map<const GradMeta*, std::size_t> positions;
  const auto add = [&](const GradMeta* meta, Node node) {
    positions.emplace(meta, graph.nodes.size());
    graph.nodes.push_back(std::move(node));
  };
  for (const Meta& meta : run.metas()) {
    if (meta->node != nullptr) {
      add(meta.get(), run.op_node(*meta));
    } else if (run.parameter_of(meta) == nullptr) {
      add(meta.get(), {.kind = NodeKind::input, .name = meta == x.grad_meta() ? "input" : "constant"});
    }
  }
  for (const Meta& meta : run.metas()) {
    if (meta->node == nullptr) continue;
    for (const Meta& source : meta->node->inputs) {
      if (source == nullptr || !positions.contains(source.get())) continue;
      graph.edges.push_back({positions[source.get()], positions[meta.get()], source->shape, source->dtype});
    }
  }
  graph.nodes.push_back({.kind = NodeKind::output, .name = "output"});
  graph.edges.push_back(
      {positions[run.output().get()], graph.nodes.size() - 1, run.output()->shape, run.output()->dtype});
  return graph;
}

Graph capture_backward(Module& model, const Tensor& input, const Tensor& target, const std::string& title) {
  Recorded run(model, [&] { return nll_loss(model(input), target); });
  Graph graph;
  graph.title = title;
  graph.backward = true;
  graph.parameters = model.parameter_count();
  graph.nodes.push_back({.kind = NodeKind::input, .name = "loss"});
  std::map<const GradMeta*, std::size_t> positions;
  for (const Meta& meta : run.metas()) {
    const NamedTensor* parameter = run.parameter_of(meta);
    if (meta->node == nullptr && parameter == nullptr) continue;
    Node node;
    if (meta->node != nullptr) {
      node = run.op_node(*meta);
      node.name += " backward";
      node.parameters = 0;
    } else {
      const std::size_t dot = parameter->name.rfind('.');
      node = {.kind = NodeKind::parameter,
              .name = parameter->name,
              .module = dot == std::string::npos ? "" : parameter->name.substr(0, dot),
              .parameters = parameter->tensor.numel()};
    }
    positions.emplace(meta.get(), graph.nodes.size());
    graph.nodes.push_back(std::move(node));
  }
  graph.edges.push_back({0, positions[run.output().get()], run.output()->shape, run.output()->dtype});
  for (const Meta& meta : run.metas()) {
    if (meta->node == nullptr) continue;
    for (const Meta& source : meta->node->inputs) {
      if (source == nullptr || !positions.contains(source.get())) continue;
      graph.edges.push_back({positions[meta.get()], positions[source.get()], source->shape, source->dtype});
    }
  }
  return graph;
}

std::string describe(const Shape& shape, DType dtype) {
  metron::detail::ClassicStream text;
  for (int i = 0; i < shape.size(); ++i) text << (i == 0 ? "" : "×") << shape[i];
  text << (shape.empty() ? "" : " ") << name_of(dtype);
  return text.str();
}

std::string thousands(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3;) digits.insert(i -= 3, ",");
  return digits;
}

}  // namespace metron::graph
