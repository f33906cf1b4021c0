// Module: named parameters and a forward. Nothing else.
//
//   struct Net : Module {
//     Conv2d conv{1, 32, 3};
//     Linear fc{32 * 26 * 26, 10};
//     void members(MemberVisitor& visit) override {
//       visit.module("conv", conv);
//       visit.module("fc", fc);
//     }
//     Tensor forward(const Tensor& x) override { return fc(flatten(conv(x, Activation::relu), 1)); }
//   };
#pragma once

#include <metron/core/named_tensor.h>
#include <metron/core/options.h>
#include <metron/core/tensor.h>
#include <metron/core/timer/scopes.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace metron {

class Module;

// What a module shows of itself: members(visit) calls visit.parameter, visit.buffer or visit.module for each
// member, under the names by which it is saved.
class MemberVisitor {
 public:
  virtual ~MemberVisitor() = default;
  virtual void parameter(const std::string& name, Tensor& tensor) = 0;  // undefined ones are skipped
  virtual void buffer(const std::string& name, Tensor& tensor) = 0;     // saved with the module, not trained
  virtual void module(const std::string& name, Module& module) = 0;
};

// A value that moves and is not copied: a copy would share its parameters.
class Module {
 public:
  Module() = default;
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;
  virtual ~Module() = default;

  virtual Tensor forward(const Tensor& x) = 0;
  virtual void members(MemberVisitor& visit) { (void)visit; }

  Tensor operator()(const Tensor& x);  // forward, under the module's name in the profiler

  // Of this module and all below, named by path ("conv.weight"), in the order in which members() shows them.
  std::vector<NamedTensor> named_parameters();
  std::vector<NamedTensor> named_buffers();
  std::vector<NamedTensor> state();  // parameters and buffers: what is saved
  std::vector<Tensor> parameters();  // each once, also where two modules share it
  std::int64_t parameter_count();    // elements of parameters()

  // Training mode, on at first, of this module and all below.
  void train(bool on = true);
  void eval() { train(false); }
  bool training() const { return training_; }

  // Copies values in by name. ValueError for a missing, doubled or unknown name, ShapeError or DTypeError for
  // one that does not fit; nothing is changed then.
  void load_state(std::span<const NamedTensor> state);

  // Moves parameters and buffers to the device, or their floating ones to a floating dtype. They become new
  // tensors, without gradients: an optimizer is made afterwards.
  void to(Device device);
  void to(DType dtype);

 protected:
  // Runs `forward` under the module's name in the profiler.
  template <typename Forward>
  Tensor call(const Forward& forward) {
    if (!members_named_) name_members();
    const ModuleScope scope(name_);
    return forward();
  }
  void members_changed() {
    members_named_ = false;
  }  // to be called where members() would now show another one

 private:
  class Walk;
  void name_members();
  std::vector<NamedTensor> collect(bool parameters, bool buffers);
  template <typename Convert>
  void replace_tensors(const Convert& convert);

  std::string name_;  // as its parent calls it; set when the parent first shows or calls its members
  bool members_named_ = false;
  bool training_ = true;
};

// A module whose kernel can apply an activation as it writes its result. A Sequential has it apply a ReLU
// that follows.
class EpilogueModule : public Module {
 public:
  using Module::operator();
  Tensor operator()(const Tensor& x, Activation activation) {
    return call([&] { return forward_with(x, activation); });
  }
  Tensor forward(const Tensor& x) final { return forward_with(x, Activation::none); }
  virtual Tensor forward_with(const Tensor& x, Activation activation) = 0;
};

}  // namespace metron
