// Optimizers: each step updates all parameters by one multi-tensor kernel. Formulas, names and defaults are
// those of PyTorch's torch.optim.
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

  // Updates each parameter that has a gradient; the others, and their state, stay as they are.
  void step();
  void zero_grad();  // drops the gradients: the next backward pass begins anew

  double lr() const { return lr_; }
  void set_lr(double lr);  // ValueError if negative or not finite

 protected:
  static constexpr std::size_t max_states = 2;

  // What one kernel call updates: element i of each list belongs to one parameter.
  struct Group {
    std::int64_t step = 1;  // the number of this update of these parameters
    std::vector<Tensor> grads, params;
    std::array<std::vector<Tensor>, max_states> states;  // zeros before the first update
  };

  // ValueError unless the parameters are leaves, each given once, and at least one. `states` is how many
  // tensors each keeps from step to step. `name` is a literal: the op's in the profiler.
  Optimizer(const char* name, std::vector<Tensor> parameters, double lr, std::size_t states);

  virtual void update(Group& group) = 0;

 private:
  struct Entry {
    Tensor parameter;
    std::array<Tensor, max_states> states;
    std::int64_t steps = 0;
    bool goes_with(const Entry& other) const;
  };
  void update_together(std::span<Entry* const> entries);

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
  bool nesterov = false;  // wants a momentum and no dampening
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
  bool decoupled_;  // the weight decay, from the gradient
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
