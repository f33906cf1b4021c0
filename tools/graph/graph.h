// The data-flow graph of a model, or the autograd graph of a training step, captured by running it once.
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
  std::string name;                    // "conv2d", "conv2d backward"; the path of a parameter
  std::string module = {};             // path; "" outside of all modules
  std::int64_t parameters = 0;         // elements of the parameters it reads
  std::int32_t occurrence = 0;         // among ops of the same name and module, in forward order
  std::optional<double> time_us = {};  // of a warm call; set by set_times
};

struct Edge {
  std::size_t from = 0;
  std::size_t to = 0;
  Shape shape;
  DType dtype = DType::float32;
};

// Texts of a picture, in its language.
struct Words {
  std::string parameter = " parameter", parameters = " parameters";  // after the count
  std::string activations = "arrows carry activations", gradients = "arrows carry gradients";
  std::string separator = "; ";
  std::string per_call = " per call";  // after a time
  std::string mark = {};               // after every time, to mark times of an emulated device
};

struct Graph {
  std::string title;
  Words words = {};
  bool backward = false;  // edges carry gradients
  std::vector<Node> nodes;
  std::vector<Edge> edges;
  std::int64_t parameters = 0;  // of the model
};

// What `model` computes from the floating-point `input`. Nodes are the ops that autograd records, so ops
// without a gradient (argmax) are missing. Parameters are counted at the ops that read them.
Graph capture_forward(Module& model, const Tensor& input, const std::string& title);

// What backward() computes for nll_loss(model(input), target). An edge is a gradient that the backward of one
// op passes to that of another or to a parameter.
Graph capture_backward(Module& model, const Tensor& input, const Tensor& target, const std::string& title);

// Sets the time of each op to the median over its warm calls with the graph's shapes, on the host and
// excluding nested ops.
// ValueError if the profile lacks an op, for example because it was recorded with another model or batch
// size.
void set_times(Graph& graph, const Profile& profile);

std::string describe(const Shape& shape, DType dtype);  // "64×32×26×26 float32"
std::string thousands(std::int64_t number);             // "1,199,882"

}  // namespace metron::graph
