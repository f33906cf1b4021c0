// Optimizers: a step updates all parameters with one multi-tensor kernel. Formulas, names and defaults follow
// torch.optim.
#pragma once

#include <metron/core/tensor.h>

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace metron {

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
  AdadeltaOptions options_;
};

}  // namespace metron
