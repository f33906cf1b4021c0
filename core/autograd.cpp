#include <metron/core/anomaly.h>
#include <metron/core/autograd.h>
#include <metron/core/ops.h>
#include <metron/core/timer/internal/call_site.h>
#include <metron/core/timer/scopes.h>

#include <atomic>
#include <map>
#include <utility>

namespace metron {
namespace {

thread_local bool recording = true;
// The tensor whose backward closure is running: saved_output reattaches its tensor to it.
thread_local const std::shared_ptr<GradMeta>* running = nullptr;

std::uint64_t next_sequence() {
  static std::atomic<std::uint64_t> counter{0};
  return counter.fetch_add(1, std::memory_order_relaxed);
}

std::shared_ptr<GradMeta> make_meta(const Tensor& tensor) {
  auto meta = std::make_shared<GradMeta>();
  meta->requires_grad = true;
  meta->sequence = next_sequence();
  meta->shape = tensor.shape();
  meta->dtype = tensor.dtype();
  return meta;
}

// No other tensor shares the elements, so they may be modified or kept.
bool is_sole_owner(const Tensor& tensor) {
  return tensor.use_count() == 1 && tensor.storage().use_count() == 1;
}

void accumulate(Tensor& total, Tensor gradient, bool create_graph) {
  if (!total.defined()) {
    total = std::move(gradient);
  } else if (!create_graph && is_sole_owner(total) && total.is_dense()) {
    total.add_(gradient);
  } else {
    total = add(total, gradient);
  }
}

// Accumulates into grad(), which outlives the pass and must not alias a tensor that others may modify.
void accumulate_kept(Tensor& kept, const Tensor& gradient, bool create_graph, bool last_use) {
  if (kept.defined()) {
    accumulate(kept, gradient, create_graph);
  } else if (last_use && is_sole_owner(gradient) && gradient.is_dense()) {
    kept = gradient;
  } else {
    kept = gradient.clone();
  }
}

// Attaches a node that throws if the gradient of a fused op is differentiated.
void forbid_double_backward(Tensor& gradient, const char* name) {
  auto meta = make_meta(gradient);
  meta->node = std::make_shared<Node>();
  meta->node->name = name;
  meta->node->backward = [name](const Tensor&, GradMask) -> Gradients {
    fail<AutogradError>(name,
                        "the backward pass is a fused kernel, so its gradient can't be differentiated again");
  };
  gradient = gradient.detach();
  gradient.set_grad_meta(std::move(meta));
}

class RunningScope {
 public:
  explicit RunningScope(const std::shared_ptr<GradMeta>* meta) : previous_(std::exchange(running, meta)) {}
  ~RunningScope() { running = previous_; }
  RunningScope(const RunningScope&) = delete;
  RunningScope& operator=(const RunningScope&) = delete;

 private:
  const std::shared_ptr<GradMeta>* previous_;
};

Gradients run_node(const std::shared_ptr<GradMeta>& meta, const Tensor& gradient, bool keep_graph,
                   bool create_graph) {
  Node& node = *meta->node;
  check<AutogradError>(
      node.backward != nullptr, node.name,
      "an earlier backward pass freed the saved tensors or failed here; pass retain_graph to "
      "run backward twice");
  const PhaseScope phase(Phase::backward, node.position);
  const BackwardScope anomaly(node.call.get());
  const OpScope scope(node.name);
  const RunningScope guard(&meta);
  // Moved out, so that the saved tensors are freed as soon as the closure returns.
  const auto backward = keep_graph ? node.backward : std::exchange(node.backward, nullptr);
  Gradients gradients = backward(gradient, node.needed);
  check<AutogradError>(gradients.size() == node.inputs.size(), node.name, "backward returned ",
                       gradients.size(), " gradients for ", node.inputs.size(), " inputs");
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    Tensor& g = gradients[i];
    if (!g.defined()) continue;
    if (!node.needed[i]) {
      g = Tensor();
      continue;
    }
    const GradMeta& input = *node.inputs[i];
    if (g.shape() != input.shape) g = sum_to(g, input.shape);
    if (g.dtype() != input.dtype) g = g.to(input.dtype);
    if (create_graph && !node.differentiable) forbid_double_backward(g, node.name);
  }
  return gradients;
}

}  // namespace

bool grad_enabled() { return recording; }

GradModeGuard::GradModeGuard(bool enabled) : previous_(std::exchange(recording, enabled)) {}
GradModeGuard::~GradModeGuard() { recording = previous_; }

Node::~Node() {
  // Iteratively destroys nodes without other owners. Their inputs outlive the closures that saved them.
  std::vector<std::shared_ptr<GradMeta>> to_destroy = std::move(inputs);
  backward = nullptr;
  while (!to_destroy.empty()) {
    const std::shared_ptr<GradMeta> meta = std::move(to_destroy.back());
    to_destroy.pop_back();
    if (meta == nullptr || meta.use_count() != 1 || meta->node == nullptr || meta->node.use_count() != 1)
      continue;
    std::move(meta->node->inputs.begin(), meta->node->inputs.end(), std::back_inserter(to_destroy));
    meta->node->inputs.clear();
    meta->node->backward = nullptr;
  }
}

Tensor SavedTensor::get() const {
  if (!tensor_.defined()) return {};
  check<AutogradError>(tensor_.version() == version_, "backward",
                       "a tensor saved for backward was changed in place, ", describe(tensor_), ": version ",
                       tensor_.version(), ", saved at ", version_);
  if (!is_output_ || !recording || running == nullptr) return tensor_;
  Tensor attached = tensor_.detach();
  attached.set_grad_meta(*running);
  return attached;
}

SavedTensor saved(const Tensor& tensor) {
  SavedTensor result;
  result.tensor_ = tensor;
  if (tensor.defined()) result.version_ = tensor.version();
  return result;
}

SavedTensor saved_output(const Tensor& tensor) {
  SavedTensor result = saved(tensor.detach());
  result.is_output_ = true;
  return result;
}

bool needs_grad(std::span<const Tensor* const> inputs) {
  if (!recording) return false;
  for (const Tensor* input : inputs) {
    if (input->defined() && input->requires_grad()) return true;
  }
  return false;
}

void detail::record_node(const char* name, Tensor& output, std::span<const Tensor* const> inputs,
                         Backward kind, std::function<Gradients(const Tensor&, GradMask)> backward) {
  check<AutogradError>(inputs.size() <= GradMask::max_inputs, name, "at most ", GradMask::max_inputs,
                       " inputs can be recorded, got ", inputs.size());
  auto node = std::make_shared<Node>();
  node->name = name;
  node->inputs.reserve(inputs.size());
  for (const Tensor* input : inputs) {
    const bool needs_gradient = input->defined() && input->requires_grad();
    if (needs_gradient) node->needed.set(node->inputs.size());
    node->inputs.push_back(needs_gradient ? input->grad_meta() : nullptr);
  }
  node->backward = std::move(backward);
  node->differentiable = kind == Backward::composite;
  node->position = current_position();
  if (anomaly_mode()) node->call = detail::forward_call(name, inputs);
  auto meta = make_meta(output);
  meta->node = std::move(node);
  output.set_grad_meta(std::move(meta));
}

bool Tensor::requires_grad() const { return grad_meta() != nullptr && grad_meta()->requires_grad; }

bool Tensor::is_leaf() const { return grad_meta() == nullptr || grad_meta()->node == nullptr; }

Tensor& Tensor::set_requires_grad(bool requires_grad) {
  check<AutogradError>(is_leaf(), "set_requires_grad",
                       "requires_grad can only be set on a leaf; detach() returns one");
  if (!requires_grad) {
    impl_->grad_meta = nullptr;
  } else if (impl_->grad_meta == nullptr) {
    check<DTypeError>(is_floating(dtype()), "set_requires_grad", "gradients require a floating dtype, got ",
                      dtype());
    impl_->grad_meta = make_meta(*this);
  }
  return *this;
}

Tensor Tensor::grad() const { return grad_meta() == nullptr ? Tensor() : grad_meta()->grad; }

void Tensor::set_grad(Tensor grad) {
  check<AutogradError>(requires_grad(), "set_grad", "the tensor does not require a gradient");
  check<ShapeError>(!grad.defined() || grad.shape() == shape(), "set_grad",
                    "the gradient must have the shape ", shape(), ", got ", describe(grad));
  check<DTypeError>(!grad.defined() || grad.dtype() == dtype(), "set_grad", "the gradient must be ", dtype(),
                    ", got ", describe(grad));
  impl_->grad_meta->grad = std::move(grad);
}

void Tensor::retain_grad() {
  check<AutogradError>(requires_grad(), "retain_grad", "the tensor does not require a gradient");
  impl_->grad_meta->retain_grad = true;
}

void Tensor::backward(const Tensor& gradient, bool retain_graph, bool create_graph) const {
  check<AutogradError>(requires_grad(), "backward", "the tensor does not require a gradient");
  check<ShapeError>(gradient.defined() || numel() == 1, "backward",
                    "a tensor of more than one element requires an initial gradient, got ", shape());
  check<ShapeError>(!gradient.defined() || gradient.shape() == shape(), "backward",
                    "the gradient must have the shape ", shape(), ", got ", describe(gradient));
  check<DTypeError>(!gradient.defined() || gradient.dtype() == dtype(), "backward", "the gradient must be ",
                    dtype(), ", got ", describe(gradient));
  const bool keep_graph = retain_graph || create_graph;
  const GradModeGuard mode(create_graph);

  // Tensors whose gradient has not been propagated yet, newest first. An op is newer than its inputs, so this
  // order is topological: a tensor is processed after all its users.
  struct Pending {
    std::shared_ptr<GradMeta> meta;
    Tensor gradient;
  };
  std::map<std::uint64_t, Pending, std::greater<>> pending;
  pending[grad_meta()->sequence] = {grad_meta(), gradient.defined() ? gradient : ones(shape(), options())};

  while (!pending.empty()) {
    const Pending next = std::move(pending.extract(pending.begin()).mapped());
    GradMeta& meta = *next.meta;
    if (meta.node == nullptr || meta.retain_grad)
      accumulate_kept(meta.grad, next.gradient, create_graph, meta.node == nullptr);
    if (meta.node == nullptr) continue;
    Gradients gradients = run_node(next.meta, next.gradient, keep_graph, create_graph);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      if (!gradients[i].defined()) continue;
      const std::shared_ptr<GradMeta>& input = meta.node->inputs[i];
      Pending& entry = pending[input->sequence];
      entry.meta = input;
      accumulate(entry.gradient, std::move(gradients[i]), create_graph);
    }
    if (!keep_graph) meta.node->inputs.clear();
  }
}

}  // namespace metron
