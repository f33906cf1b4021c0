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

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace metron {

class Module;

struct LoadStateOptions {
  bool cast = false;   // convert between floating dtypes
  bool strict = true;  // otherwise what does not fit is left out, and listed
};

// What load_state left out.
struct LoadedState {
  std::vector<std::string> missing;     // names of the module
  std::vector<std::string> unexpected;  // names of the state
  std::vector<std::string> mismatched;  // "fc.weight is float32 (10, 128), got float32 (10, 64)"

  bool complete() const { return missing.empty() && unexpected.empty() && mismatched.empty(); }
};

// Enumerates the members of a module: members(visit) calls visit.parameter, visit.buffer or visit.module for
// each of them, with the name under which it is saved.
class MemberVisitor {
 public:
  virtual ~MemberVisitor() = default;
  virtual void parameter(const std::string& name, Tensor& tensor) = 0;  // undefined ones are skipped
  virtual void buffer(const std::string& name, Tensor& tensor) = 0;     // saved but not trained
  virtual void module(const std::string& name, Module& module) = 0;
};

// Movable but not copyable, since a copy would share its parameters. Threads may share a module for
// inference, from its first call on; whatever changes it (train, load_state, to, a training step) must be
// alone.
class Module {
 public:
  Module() = default;
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;
  virtual ~Module() = default;

  virtual Tensor forward(const Tensor& x) = 0;
  virtual void members(MemberVisitor& visit) { (void)visit; }

  Tensor operator()(const Tensor& x);  // forward, under the module's name in the profiler

  // Including submodules, named by path ("conv.weight"), in the order of members().
  std::vector<NamedTensor> named_parameters();
  std::vector<NamedTensor> named_buffers();
  std::vector<NamedTensor> state();  // parameters and buffers
  std::vector<Tensor> parameters();  // without duplicates if modules share parameters
  std::int64_t parameter_count();    // total elements of parameters()

  // Training mode of this module and its submodules. On by default.
  void train(bool on = true);
  void eval() { train(false); }
  bool training() const { return training_; }

  // Copies values by name. Strictly: ValueError for a missing or unknown name, ShapeError or DTypeError for a
  // mismatch; the module is unchanged then. Always: ValueError for a duplicate name or an undefined tensor.
  //   net.load_state(load_safetensors("half.safetensors"), {.cast = true, .strict = false});
  LoadedState load_state(std::span<const NamedTensor> state, const LoadStateOptions& options = {});

  // Converts parameters and buffers; a dtype applies only to floating ones. They become new tensors without
  // gradients, so create the optimizer afterwards.
  void to(Device device);
  void to(DType dtype);

 protected:
  // Runs `forward` under the module's name in the profiler.
  template <typename Forward>
  Tensor call(const Forward& forward) {
    if (!naming_.complete.load(std::memory_order_acquire)) name_members();
    const ModuleScope scope(naming_.name.load(std::memory_order_relaxed));
    return forward();
  }
  // Must be called after members() has changed.
  void members_changed() { naming_.complete = false; }

 private:
  class Traversal;
  void name_members();
  std::vector<NamedTensor> collect(bool parameters, bool buffers);
  template <typename Convert>
  void replace_tensors(const Convert& convert);

  // Assigned when the module or its parent is first called or traversed, by several threads perhaps.
  struct Naming {
    std::atomic<const char*> name = "";  // by the parent, never freed
    std::atomic<bool> complete = false;  // whether the members have their names

    Naming() = default;
    Naming(Naming&& from) noexcept { *this = std::move(from); }
    Naming& operator=(Naming&& from) noexcept {
      name = from.name.load();
      complete = from.complete.load();
      return *this;
    }
  };
  Naming naming_;
  bool training_ = true;
};

// A module whose kernel can fuse an activation as its epilogue. Sequential fuses a subsequent ReLU.
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
