// Multi-tensor updates: three steps on two parameters at once. The result concatenates everything they
// modify.
#include <metron/core/ops.h>
#include <metron/core/slots.h>
#include <metron/tools/op_cases/cases.h>

#include <cmath>

namespace metron::op_cases {
namespace {

constexpr int steps = 3;
constexpr std::int64_t sizes[] = {7, 1031};

std::vector<Input> parameters_and_gradients() {
  return {constant(in({7})), constant(in({1031})), constant(in({7})), constant(in({1031}))};
}

std::vector<Tensor> clones(Tensors tensors) {
  std::vector<Tensor> result;
  for (const Tensor& tensor : tensors) result.push_back(tensor.clone());
  return result;
}

std::vector<Tensor> zeros_like(Tensors tensors) {
  std::vector<Tensor> result;
  for (const Tensor& tensor : tensors) result.push_back(Tensor::zeros(tensor.shape(), tensor.options()));
  return result;
}

Tensor in_a_row(std::initializer_list<Tensors> lists) {
  std::vector<Tensor> all;
  for (const Tensors list : lists) all.insert(all.end(), list.begin(), list.end());
  return cat(all, 0);
}

// One element of a parameter and its two state variables after `steps` updates by step(t, g, p, s0, s1).
template <typename Step>
naive::Array run(Arrays x, int states, const Step& step) {
  const std::int64_t total = sizes[0] + sizes[1];
  naive::Array y(Shape{total * (1 + states)});
  std::int64_t at = 0;
  for (std::size_t k = 0; k < 2; ++k) {
    for (std::int64_t i = 0; i < sizes[k]; ++i, ++at) {
      double p = x[k][i], state[2] = {0, 0};
      for (int t = 1; t <= steps; ++t) step(t, x[2 + k][i], p, state[0], state[1]);
      y[at] = p;
      for (int s = 0; s < states; ++s) y[at + (1 + s) * total] = state[s];
    }
  }
  return y;
}

void add_sgd(std::vector<Case>& table, const char* name, const kernel::SgdOptions& o) {
  table.push_back({"sgd", name, parameters_and_gradients(),
                   [=](Tensors x) {
                     std::vector<Tensor> params = clones(x.first(2)), momenta;
                     if (o.momentum != 0) momenta = zeros_like(x.first(2));
                     for (int t = 1; t <= steps; ++t) {
                       kernel::SgdOptions options = o;
                       options.first_step = t == 1;
                       kernel::sgd(options, x.last(2), params, momenta);
                     }
                     return in_a_row({params, momenta});
                   },
                   [=](Arrays x) {
                     return run(x, o.momentum != 0 ? 1 : 0,
                                [&](int t, double g, double& p, double& v, double&) {
                                  g += o.weight_decay * p;
                                  if (o.momentum != 0) {
                                    v = t == 1 ? g : o.momentum * v + (1 - o.dampening) * g;
                                    g = o.nesterov ? g + o.momentum * v : v;
                                  }
                                  p -= o.lr * g;
                                });
                   },
                   Gradient::none});
}

void add_adam(std::vector<Case>& table, const char* name, const kernel::AdamOptions& o) {
  table.push_back({"adam", name, parameters_and_gradients(),
                   [=](Tensors x) {
                     std::vector<Tensor> params = clones(x.first(2)), means = zeros_like(x.first(2)),
                                         squares = zeros_like(x.first(2));
                     for (int t = 1; t <= steps; ++t) {
                       kernel::AdamOptions options = o;
                       options.step = t;
                       kernel::adam(options, x.last(2), params, means, squares);
                     }
                     return in_a_row({params, means, squares});
                   },
                   [=](Arrays x) {
                     return run(x, 2, [&](int t, double g, double& p, double& m, double& v) {
                       if (o.decoupled) {
                         p *= 1 - o.lr * o.weight_decay;
                       } else {
                         g += o.weight_decay * p;
                       }
                       m = o.beta1 * m + (1 - o.beta1) * g;
                       v = o.beta2 * v + (1 - o.beta2) * g * g;
                       const double unbiased_m = m / (1 - std::pow(o.beta1, t));
                       const double unbiased_v = v / (1 - std::pow(o.beta2, t));
                       p -= o.lr * unbiased_m / (std::sqrt(unbiased_v) + o.eps);
                     });
                   },
                   Gradient::none});
}

void add_adadelta(std::vector<Case>& table, const char* name, const kernel::AdadeltaOptions& o) {
  table.push_back({"adadelta", name, parameters_and_gradients(),
                   [=](Tensors x) {
                     std::vector<Tensor> params = clones(x.first(2)), squares = zeros_like(x.first(2)),
                                         deltas = zeros_like(x.first(2));
                     for (int t = 1; t <= steps; ++t) kernel::adadelta(o, x.last(2), params, squares, deltas);
                     return in_a_row({params, squares, deltas});
                   },
                   [=](Arrays x) {
                     return run(x, 2, [&](int, double g, double& p, double& square, double& accumulated) {
                       g += o.weight_decay * p;
                       square = o.rho * square + (1 - o.rho) * g * g;
                       const double delta = std::sqrt(accumulated + o.eps) / std::sqrt(square + o.eps) * g;
                       accumulated = o.rho * accumulated + (1 - o.rho) * delta * delta;
                       p -= o.lr * delta;
                     });
                   },
                   Gradient::none});
}

}  // namespace

std::vector<Case> optimizer_cases() {
  std::vector<Case> table;
  add_sgd(table, "plain", {.lr = 0.125});
  add_sgd(table, "weight decay", {.lr = 0.125, .weight_decay = 0.25});
  add_sgd(table, "momentum", {.lr = 0.125, .momentum = 0.75});
  add_sgd(table, "momentum, dampening, weight decay",
          {.lr = 0.125, .momentum = 0.75, .dampening = 0.5, .weight_decay = 0.25});
  add_sgd(table, "nesterov", {.lr = 0.125, .momentum = 0.75, .weight_decay = 0.25, .nesterov = true});
  add_adam(table, "plain", {.lr = 0.125});
  add_adam(table, "weight decay", {.lr = 0.125, .beta1 = 0.75, .beta2 = 0.875, .weight_decay = 0.25});
  add_adam(table, "decoupled weight decay", {.lr = 0.125, .weight_decay = 0.25, .decoupled = true});
  add_adadelta(table, "plain", {});
  add_adadelta(table, "weight decay", {.lr = 0.5, .rho = 0.75, .weight_decay = 0.25});
  return table;
}

}  // namespace metron::op_cases
