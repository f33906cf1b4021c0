// State of optimizers, to save and resume them.
#include <metron/core/autograd.h>
#include <metron/core/numbers.h>
#include <metron/layers/optim.h>

#include <set>
#include <utility>

namespace metron {
namespace {

std::string state_name(std::size_t parameter, const char* name) {
  return std::to_string(parameter) + '.' + name;
}

// `like` is the parameter. Copied, so that the source may be in use elsewhere.
Tensor copy_of_state(const char* op, const std::vector<NamedTensor>& tensors, const std::string& name,
                     const Tensor& like) {
  const NamedTensor* found = nullptr;
  for (const NamedTensor& entry : tensors) {
    if (entry.name == name) found = &entry;
  }
  check<ValueError>(found != nullptr && found->tensor.defined(), op, "the state lacks ", name);
  const Tensor& tensor = found->tensor;
  check<ShapeError>(tensor.shape() == like.shape(), op, name, " must have its parameter's shape, got ",
                    describe(tensor), " for ", describe(like));
  check<DTypeError>(tensor.dtype() == like.dtype(), op, name, " must have its parameter's dtype, got ",
                    describe(tensor), " for ", describe(like));
  Tensor copy = Tensor::empty(like.shape(), like.options());
  return copy.copy_(tensor);
}

}  // namespace

OptimizerState Optimizer::state() const {
  OptimizerState state{.name = name_, .lr = lr_, .options = options(), .steps = {}, .tensors = {}};
  for (std::size_t k = 0; k < entries_.size(); ++k) {
    state.steps.push_back(entries_[k].steps);
    for (std::size_t i = 0; i < states_ && entries_[k].steps > 0; ++i)
      state.tensors.push_back({state_name(k, state_names()[i]), entries_[k].states[i]});
  }
  return state;
}

void Optimizer::load_state(const OptimizerState& state) {
  const NoGradGuard no_grad;
  check<ValueError>(state.name == name_, name_, "the state is that of ", state.name);
  const std::string different = differences(state.options, options());
  check<ValueError>(different.empty(), name_, "the state has other options: ", different);
  check<ValueError>(state.steps.size() == entries_.size(), name_, "the state is that of ", state.steps.size(),
                    " parameters, got ", entries_.size());
  std::vector<Entry> loaded;
  std::set<std::string> names;
  for (std::size_t k = 0; k < entries_.size(); ++k) {
    const std::int64_t steps = state.steps[k];
    check<ValueError>(steps >= 0, name_, "step counts must not be negative, got ", steps);
    loaded.push_back({entries_[k].parameter, {}, steps});
    for (std::size_t i = 0; i < states_ && steps > 0; ++i) {
      const std::string name = state_name(k, state_names()[i]);
      loaded[k].states[i] = copy_of_state(name_, state.tensors, name, entries_[k].parameter);
      names.insert(name);
    }
  }
  for (const NamedTensor& entry : state.tensors)
    check<ValueError>(names.erase(entry.name) == 1, name_, "the state has an unexpected or repeated ",
                      entry.name);
  set_lr(state.lr);
  entries_ = std::move(loaded);
}

std::array<const char*, Optimizer::max_states> SGD::state_names() const { return {"momentum_buffer", ""}; }

Settings SGD::options() const {
  return {{"momentum", exact_text(options_.momentum)},
          {"dampening", exact_text(options_.dampening)},
          {"weight_decay", exact_text(options_.weight_decay)},
          {"nesterov", options_.nesterov ? "on" : "off"}};
}

std::array<const char*, Optimizer::max_states> Adam::state_names() const { return {"exp_avg", "exp_avg_sq"}; }

Settings Adam::options() const {
  return {{"beta1", exact_text(options_.beta1)},
          {"beta2", exact_text(options_.beta2)},
          {"eps", exact_text(options_.eps)},
          {"weight_decay", exact_text(options_.weight_decay)}};
}

std::array<const char*, Optimizer::max_states> Adadelta::state_names() const {
  return {"square_avg", "acc_delta"};
}

Settings Adadelta::options() const {
  return {{"rho", exact_text(options_.rho)},
          {"eps", exact_text(options_.eps)},
          {"weight_decay", exact_text(options_.weight_decay)}};
}

}  // namespace metron
