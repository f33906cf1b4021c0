// The data-flow graph of a model, or the autograd graph of a training step: captured by running it once.
#pragma once

#include <metron/core/timer/profile.h>
#include <metron/layers/module.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace metron::graph {

enum class NodeKind : std::uint8_t { input, output, op, parameter };

struct Node {
  NodeKind kind = NodeKind::op;
  std::string name;             // "conv2d", "conv2d backward"; of a parameter its path
  std::string module = {};      // path, "" outside of all modules
  std::int64_t parameters = 0;  // elements of the parameters that it reads
  std::int32_t occurrence = 0;  // among the ops of this name and module, in the order of the forward pass
  std::optional<double> time_us = {};  // of a warm call, where a profile is given
};

struct Edge {
  std::size_t from = 0;
  std::size_t to = 0;
  Shape shape;
  DType dtype = DType::float32;
};

// The words of a picture, in its language.
struct Words {
  std::string parameter = " parameter", parameters = " parameters";  // after their number
  std::string activations = "arrows carry activations", gradients = "arrows carry gradients";
  std::string separator = "; ";
  std::string a_call = " per call";  // after a time
  std::string mark = {};             // after every time, where it must not be taken for another device's
};

struct Graph {
  std::string title;
  Words words = {};
  bool backward = false;  // edges carry gradients
  std::vector<Node> nodes;
  std::vector<Edge> edges;
  std::int64_t parameters = 0;  // of the whole model
};

// What `model` computes from `input`, which must be floating: nodes are the ops that autograd recorded, so an
// op without a gradient (argmax) is not in it. Parameters are counted in the ops that read them.
Graph capture_forward(Module& model, const Tensor& input, const std::string& title);

// What loss.backward() computes for nll_loss(model(input), target): an edge is the gradient that one op's
// backward hands to another's or to a parameter.
Graph capture_backward(Module& model, const Tensor& input, const Tensor& target, const std::string& title);

// Sets the times of the ops that the profile has: the average of their warm calls with the graph's shapes, of
// what is the op's own, without the ops nested in it. ValueError if it lacks one of them: it is of another
// model or batch size.
void set_times(Graph& graph, const Profile& profile);

std::string describe(const Shape& shape, DType dtype);  // "64×32×26×26 float32"
std::string thousands(std::int64_t number);             // "1,199,882"

}  // namespace metron::graph
