#include <metron/core/autograd.h>
#include <metron/core/slots.h>
#include <metron/core/timer/scopes.h>
#include <metron/layers/optim.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace metron {
namespace {

bool is_rate(double value) { return std::isfinite(value) && value >= 0; }
bool is_fraction(double value) { return value >= 0 && value <= 1; }
bool is_decay(double value) { return value >= 0 && value < 1; }  // of a moving average

void check_rates(const char* op, double lr, double weight_decay) {
  check<ValueError>(is_rate(lr) && is_rate(weight_decay), op,
                    "lr and weight_decay must be finite and not negative, got ", lr, " and ", weight_decay);
}

}  // namespace

Optimizer::Optimizer(const char* name, std::vector<Tensor> parameters, double lr, std::size_t states)
    : name_(name), lr_(lr), states_(states) {
  check<ValueError>(!parameters.empty(), name, "there are no parameters");
  for (Tensor& parameter : parameters) {
    check<ValueError>(parameter.defined() && parameter.is_leaf(), name,
                      "a parameter must be a leaf of the graph, got ", describe(parameter));
    const auto same = [&](const Entry& entry) { return entry.parameter.is_same(parameter); };
    check<ValueError>(std::none_of(entries_.begin(), entries_.end(), same), name,
                      "a parameter appears twice, of shape ", parameter.shape());
    entries_.push_back({std::move(parameter), {}, 0});
  }
}

void Optimizer::set_lr(double lr) {
  check<ValueError>(is_rate(lr), name_, "lr must be finite and not negative, got ", lr);
  lr_ = lr;
}

void Optimizer::zero_grad() {
  for (Entry& entry : entries_) {
    if (entry.parameter.requires_grad()) entry.parameter.set_grad({});
  }
}

void Optimizer::step() {
  const NoGradGuard no_grad;
  const PhaseScope phase(Phase::optimizer);
  const OpScope scope(name_);
  std::vector<Entry*> updated;
  for (Entry& entry : entries_) {
    if (entry.parameter.grad().defined()) updated.push_back(&entry);
  }
  // Groups parameters with equal step counts. Usually all have a gradient in every step and form a single
  // group.
  for (auto begin = updated.begin(); begin != updated.end();) {
    const Entry& first = **begin;
    const auto end =
        std::stable_partition(begin, updated.end(), [&](const Entry* e) { return e->can_group_with(first); });
    update_group(std::span<Entry* const>(begin, end));
    begin = end;
  }
}

bool Optimizer::Entry::can_group_with(const Entry& other) const {
  return steps == other.steps && parameter.dtype() == other.parameter.dtype() &&
         parameter.device() == other.parameter.device();
}

void Optimizer::update_group(std::span<Entry* const> entries) {
  Group group;
  group.step = entries.front()->steps + 1;
  for (Entry* entry : entries) {
    const Tensor& parameter = entry->parameter;
    const Tensor grad = parameter.grad();
    check<DTypeError>(grad.dtype() == parameter.dtype(), name_,
                      "a gradient must have its parameter's dtype, got ", describe(grad), " for ",
                      describe(parameter));
    group.grads.push_back(grad.contiguous());
    group.params.push_back(parameter.contiguous());
    for (std::size_t i = 0; i < states_; ++i) {
      if (entry->steps == 0) entry->states[i] = Tensor::zeros(parameter.shape(), parameter.options());
      group.states[i].push_back(entry->states[i]);
    }
  }
  update(group);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Tensor& parameter = entries[i]->parameter;
    if (!parameter.is_contiguous()) parameter.copy_(group.params[i]);
    ++entries[i]->steps;
  }
}

SGD::SGD(std::vector<Tensor> parameters, const SGDOptions& options)
    : Optimizer("sgd", std::move(parameters), options.lr, options.momentum == 0 ? 0 : 1), options_(options) {
  check_rates("sgd", options.lr, options.weight_decay);
  check<ValueError>(is_fraction(options.momentum) && is_fraction(options.dampening), "sgd",
                    "momentum and dampening must be in [0, 1], got ", options.momentum, " and ",
                    options.dampening);
  check<ValueError>(!options.nesterov || (options.momentum > 0 && options.dampening == 0), "sgd",
                    "nesterov requires a momentum and no dampening, got ", options.momentum, " and ",
                    options.dampening);
}

void SGD::update(Group& group) {
  const kernel::SgdOptions options{.lr = lr(),
                                   .momentum = options_.momentum,
                                   .dampening = options_.dampening,
                                   .weight_decay = options_.weight_decay,
                                   .nesterov = options_.nesterov,
                                   .first_step = group.step == 1};
  kernel::sgd(options, group.grads, group.params, group.states[0]);
}

Adam::Adam(const char* name, std::vector<Tensor> parameters, const AdamOptions& options, bool decoupled)
    : Optimizer(name, std::move(parameters), options.lr, 2), options_(options), decoupled_(decoupled) {
  check_rates(name, options.lr, options.weight_decay);
  check<ValueError>(is_decay(options.beta1) && is_decay(options.beta2) && is_rate(options.eps), name,
                    "beta1 and beta2 must be in [0, 1), eps finite and not negative, got ", options.beta1,
                    ", ", options.beta2, " and ", options.eps);
}

void Adam::update(Group& group) {
  const kernel::AdamOptions options{.lr = lr(),
                                    .beta1 = options_.beta1,
                                    .beta2 = options_.beta2,
                                    .eps = options_.eps,
                                    .weight_decay = options_.weight_decay,
                                    .decoupled = decoupled_,
                                    .step = group.step};
  kernel::adam(options, group.grads, group.params, group.states[0], group.states[1]);
}

Adadelta::Adadelta(std::vector<Tensor> parameters, const AdadeltaOptions& options)
    : Optimizer("adadelta", std::move(parameters), options.lr, 2), options_(options) {
  check_rates("adadelta", options.lr, options.weight_decay);
  check<ValueError>(is_fraction(options.rho) && is_rate(options.eps), "adadelta",
                    "rho must be in [0, 1], eps finite and not negative, got ", options.rho, " and ",
                    options.eps);
}

void Adadelta::update(Group& group) {
  const kernel::AdadeltaOptions options{
      .lr = lr(), .rho = options_.rho, .eps = options_.eps, .weight_decay = options_.weight_decay};
  kernel::adadelta(options, group.grads, group.params, group.states[0], group.states[1]);
}

}  // namespace metron
