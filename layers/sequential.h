// Sequential: a chain of modules.
#pragma once

#include <metron/layers/module.h>

#include <concepts>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace metron {

//   Sequential net{Conv2d(1, 32, 3), ReLU(), Flatten(), Linear(32 * 26 * 26, 10)};
// Braces guarantee left-to-right construction, so that a seed gives the same parameters with any compiler.
// The default name of a module is its position: "0.weight". A ReLU after a Conv2d or Linear is fused into its
// kernel, with identical results.
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
  // ValueError for a name that is empty, contains a dot or is taken.
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
    EpilogueModule* fused_with_next = nullptr;  // this module, if the next one is a ReLU that it fuses
  };
  void append(const std::string& name, std::unique_ptr<Module> module);

  std::vector<Step> steps_;
};

}  // namespace metron
