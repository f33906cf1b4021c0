// Sequential: modules that run one after the other.
#pragma once

#include <metron/layers/module.h>

#include <concepts>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace metron {

//   Sequential net{Conv2d(1, 32, 3), ReLU(), Flatten(), Linear(32 * 26 * 26, 10)};
// With braces the modules are made in this order, so a seed gives the same parameters whatever the compiler.
// Modules without a name are named by their position: "0.weight". A Conv2d or Linear and the ReLU that
// follows it run as one kernel, which gives the same numbers.
class Sequential : public Module {
 public:
  template <std::derived_from<Module>... Modules>
  explicit Sequential(Modules... modules) {
    (add(std::move(modules)), ...);
  }

  template <std::derived_from<Module> M>
  Sequential& add(M module) {
    return add(std::to_string(steps_.size()), std::move(module));
  }
  // ValueError for a name that is empty, has a dot or is taken.
  template <std::derived_from<Module> M>
  Sequential& add(const std::string& name, M module) {
    append(name, std::make_unique<M>(std::move(module)));
    return *this;
  }

  std::size_t size() const { return steps_.size(); }
  Module& operator[](std::size_t i) { return *steps_.at(i).module; }

  void members(MemberVisitor& visit) override;
  Tensor forward(const Tensor& x) override;

 private:
  struct Step {
    std::string name;
    std::unique_ptr<Module> module;
    EpilogueModule* fused_with_next = nullptr;  // the module, where the next is a ReLU that it can apply
  };
  void append(const std::string& name, std::unique_ptr<Module> module);

  std::vector<Step> steps_;
};

}  // namespace metron
