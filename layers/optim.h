// Optimizers: a step updates all parameters with one multi-tensor kernel. Formulas, names and defaults follow
// torch.optim.
#pragma once

#include <metron/core/named_tensor.h>
#include <metron/core/settings.h>
#include <metron/core/tensor.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace metron {

// Everything that steps depend on, besides parameters and gradients.
struct OptimizerState {
  std::string name;  // "adam"
  double lr = 0;
  Settings options;                  // the other hyperparameters: {"beta1", "0.9"}
  std::vector<std::int64_t> steps;   // updates of each parameter
  std::vector<NamedTensor> tensors;  // "3.exp_avg" of parameter 3, of its shape; none before its first update
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // Updates the parameters that have a gradient; the others and their state are unchanged.
  void step();
  void zero_grad();  // releases the gradients

  double lr() const { return lr_; }
  void set_lr(double lr);  // ValueError if negative or not finite

  // The tensors have PyTorch's names and share their elements with the optimizer: steps change them.
  OptimizerState state() const;
  // Copies a state, also from another device; further steps are those of the optimizer that it came from,
  // bit for bit. ValueError if that was of another kind, had other options or other parameters, ShapeError or
  // DTypeError for tensors that don't fit; the optimizer is unchanged then.
  void load_state(const OptimizerState& state);

 protected:
  static constexpr std::size_t max_states = 2;

  // The operands of one kernel call. Element i of each list belongs to parameter i.
  struct Group {
    std::int64_t step = 1;  // 1-based number of this update
    std::vector<Tensor> grads, params;
    std::array<std::vector<Tensor>, max_states> states;  // zeros before the first update
  };

  // ValueError if there are no parameters, or any is duplicate or not a leaf. `states` is the number of state
  // tensors per parameter. `name` is a literal: the name of the op in the profiler.
  Optimizer(const char* name, std::vector<Tensor> parameters, double lr, std::size_t states);

  virtual void update(Group& group) = 0;

  // For state(): names of the state tensors, and the hyperparameters other than lr.
  virtual std::array<const char*, max_states> state_names() const { return {"state0", "state1"}; }
  virtual Settings options() const { return {}; }

 private:
  struct Entry {
    Tensor parameter;
    std::array<Tensor, max_states> states;
    std::int64_t steps = 0;
    bool can_group_with(const Entry& other) const;
  };
  void update_group(std::span<Entry* const> entries);

  const char* name_;
  double lr_;
  std::size_t states_;
  std::vector<Entry> entries_;
};

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;  // requires a momentum and no dampening
};

class SGD : public Optimizer {
 public:
  explicit SGD(std::vector<Tensor> parameters, const SGDOptions& options = {});

 private:
  void update(Group& group) override;
  std::array<const char*, max_states> state_names() const override;
  Settings options() const override;
  SGDOptions options_;
};

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
};

class Adam : public Optimizer {
 public:
  explicit Adam(std::vector<Tensor> parameters, const AdamOptions& options = {})
      : Adam("adam", std::move(parameters), options, false) {}

 protected:
  Adam(const char* name, std::vector<Tensor> parameters, const AdamOptions& options, bool decoupled);

 private:
  void update(Group& group) override;
  std::array<const char*, max_states> state_names() const override;
  Settings options() const override;
  AdamOptions options_;
  bool decoupled_;  // weight decay is not part of the gradient
};

struct AdamWOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 1e-2;
};

// Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
class AdamW : public Adam {
 public:
  explicit AdamW(std::vector<Tensor> parameters, const AdamWOptions& options = {})
      : Adam("adamw", std::move(parameters),
             {options.lr, options.beta1, options.beta2, options.eps, options.weight_decay}, true) {}
};

struct AdadeltaOptions {
  double lr = 1;
  double rho = 0.9;
  double eps = 1e-6;
  double weight_decay = 0;
};

class Adadelta : public Optimizer {
 public:
  explicit Adadelta(std::vector<Tensor> parameters, const AdadeltaOptions& options = {});

 private:
  void update(Group& group) override;
  std::array<const char*, max_states> state_names() const override;
  Settings options() const override;
  AdadeltaOptions options_;
};

}  // namespace metron
