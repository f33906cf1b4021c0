// Define-by-run reverse-mode automatic differentiation: ops record closures, backward() runs them in reverse.
#pragma once

#include <metron/core/tensor.h>
#include <metron/core/timer/scopes.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace metron {

struct ForwardCall;  // core/timer/internal/call_site.h

// Gradient recording is thread-local and on by default.
bool grad_enabled();

class GradModeGuard {
 public:
  explicit GradModeGuard(bool enabled);
  ~GradModeGuard();
  GradModeGuard(const GradModeGuard&) = delete;
  GradModeGuard& operator=(const GradModeGuard&) = delete;

 private:
  bool previous_;
};

class NoGradGuard : public GradModeGuard {
 public:
  NoGradGuard() : GradModeGuard(false) {}
};

// The inputs of a node that need a gradient. A backward closure leaves the other gradients undefined.
class GradMask {
 public:
  static constexpr std::size_t max_inputs = 64;
  void set(std::size_t input) { bits_ |= std::uint64_t{1} << input; }
  bool operator[](std::size_t input) const { return (bits_ >> input & 1) != 0; }

 private:
  std::uint64_t bits_ = 0;
};

using Gradients = std::vector<Tensor>;  // one per input, in order; undefined if not computed

// One recorded op. Every op has one differentiable output, so a node belongs to one tensor.
struct Node {
  const char* name = "";
  std::vector<std::shared_ptr<GradMeta>> inputs;  // null for inputs that are not part of the graph
  GradMask needed;
  std::function<Gradients(const Tensor& gradient, GradMask needed)>
      backward;                 // empty once the graph is freed
  bool differentiable = false;  // the backward closure consists of recorded ops: double backward works
  RecordPosition position;      // the profiler attributes the backward pass to the op recorded here
  std::shared_ptr<const ForwardCall> call;  // only in anomaly mode

  Node() = default;
  ~Node();  // destroys long chains of nodes without recursion
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
};

// A tensor's autograd state.
struct GradMeta {
  bool requires_grad = false;
  bool retain_grad = false;
  std::uint64_t sequence = 0;  // increases with every recorded op: descending order is topological
  Tensor grad;
  std::shared_ptr<Node> node;  // null for a leaf
  // Of an incoming gradient.
  Shape shape;
  DType dtype = DType::float32;
};

// A tensor captured by a backward closure. An in-place change since then is an error.
// `saved_output` is for the op's own result: it avoids a reference cycle with the node that owns the closure.
class SavedTensor {
 public:
  SavedTensor() = default;
  Tensor get() const;  // AutogradError if modified in place since
  bool defined() const { return tensor_.defined(); }

 private:
  friend SavedTensor saved(const Tensor& tensor);
  friend SavedTensor saved_output(const Tensor& tensor);
  Tensor tensor_;
  std::uint64_t version_ = 0;
  bool is_output_ = false;
};
SavedTensor saved(const Tensor& tensor);
SavedTensor saved_output(const Tensor& tensor);

// Whether an op with these inputs is recorded.
bool needs_grad(std::span<const Tensor* const> inputs);
inline bool needs_grad(std::initializer_list<const Tensor*> inputs) {
  return needs_grad(std::span(inputs.begin(), inputs.size()));
}

enum class Backward : std::uint8_t {
  fused,      // calls kernel slots: double backward is an error
  composite,  // written in public ops: double backward works
};

namespace detail {
void record_node(const char* name, Tensor& output, std::span<const Tensor* const> inputs, Backward kind,
                 std::function<Gradients(const Tensor&, GradMask)> backward);
}

// Records `output` as computed from `inputs` if any of them requires a gradient and recording is on.
// `backward` is (gradient) -> Tensor for one input, or (gradient, needed) -> Gradients. The engine
// accumulates gradients and reduces broadcast axes; closures do neither.
//   record("sigmoid", y, {&x}, Backward::composite, [s = saved_output(y)](const Tensor& g) {...});
template <typename F>
void record(const char* name, Tensor& output, std::span<const Tensor* const> inputs, Backward kind,
            F&& backward) {
  if (!needs_grad(inputs)) return;
  if constexpr (std::is_invocable_r_v<Tensor, F&, const Tensor&>) {
    detail::record_node(
        name, output, inputs, kind,
        [f = std::forward<F>(backward)](const Tensor& g, GradMask) { return Gradients{f(g)}; });
  } else {
    detail::record_node(name, output, inputs, kind, std::forward<F>(backward));
  }
}
template <typename F>
void record(const char* name, Tensor& output, std::initializer_list<const Tensor*> inputs, Backward kind,
            F&& backward) {
  record(name, output, std::span(inputs.begin(), inputs.size()), kind, std::forward<F>(backward));
}

}  // namespace metron
