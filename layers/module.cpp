#include <metron/core/autograd.h>
#include <metron/layers/module.h>

#include <algorithm>
#include <functional>
#include <map>
#include <sstream>
#include <utility>

namespace metron {

// Visits a module's members, and theirs, with their paths; names the modules on the way.
class Module::Walk final : public MemberVisitor {
 public:
  struct Actions {
    std::function<void(const std::string&, Tensor&)> parameter;  // its path and itself
    std::function<void(const std::string&, Tensor&)> buffer;
    std::function<void(Module&)> module;
  };
  static void over(Module& root, const Actions& actions) { Walk(actions).into(root); }

  void parameter(const std::string& name, Tensor& tensor) override {
    if (tensor.defined() && actions_.parameter) actions_.parameter(prefix_ + name, tensor);
  }
  void buffer(const std::string& name, Tensor& tensor) override {
    if (tensor.defined() && actions_.buffer) actions_.buffer(prefix_ + name, tensor);
  }
  void module(const std::string& name, Module& module) override {
    module.name_ = name;
    const std::size_t length = prefix_.size();
    prefix_ += name + '.';
    into(module);
    prefix_.resize(length);
  }

 private:
  explicit Walk(const Actions& actions) : actions_(actions) {}
  void into(Module& module) {
    if (actions_.module) actions_.module(module);
    module.members(*this);
    module.members_named_ = true;
  }

  const Actions& actions_;
  std::string prefix_;
};

void Module::name_members() { Walk::over(*this, {}); }

Tensor Module::operator()(const Tensor& x) {
  return call([&] { return forward(x); });
}

std::vector<NamedTensor> Module::collect(bool parameters, bool buffers) {
  std::vector<NamedTensor> result;
  Walk::Actions actions;
  const auto keep = [&](const std::string& path, Tensor& tensor) { result.push_back({path, tensor}); };
  if (parameters) actions.parameter = keep;
  if (buffers) actions.buffer = keep;
  Walk::over(*this, actions);
  return result;
}

std::vector<NamedTensor> Module::named_parameters() { return collect(true, false); }

std::vector<NamedTensor> Module::named_buffers() { return collect(false, true); }

std::vector<NamedTensor> Module::state() { return collect(true, true); }

std::vector<Tensor> Module::parameters() {
  std::vector<Tensor> result;
  for (const NamedTensor& named : named_parameters()) {
    const auto is_it = [&](const Tensor& known) { return known.is_same(named.tensor); };
    if (std::none_of(result.begin(), result.end(), is_it)) result.push_back(named.tensor);
  }
  return result;
}

std::int64_t Module::parameter_count() {
  std::int64_t count = 0;
  for (const Tensor& parameter : parameters()) count += parameter.numel();
  return count;
}

void Module::train(bool on) {
  Walk::over(*this,
             {.parameter = {}, .buffer = {}, .module = [&](Module& module) { module.training_ = on; }});
}

void Module::load_state(std::span<const NamedTensor> state) {
  constexpr char op[] = "load_state";
  std::map<std::string, const Tensor*> given;
  for (const NamedTensor& source : state) {
    check<ValueError>(source.tensor.defined(), op, source.name, " is undefined");
    check<ValueError>(given.emplace(source.name, &source.tensor).second, op, source.name, " is given twice");
  }

  std::vector<std::pair<Tensor, const Tensor*>> copies;  // destination and source
  std::ostringstream wrong;
  for (const NamedTensor& own : this->state()) {
    const auto source = given.extract(own.name);
    if (source.empty()) {
      wrong << "; " << own.name << " is missing";
      continue;
    }
    const Tensor& tensor = *source.mapped();
    check<ShapeError>(tensor.shape() == own.tensor.shape(), op, own.name, " is ", describe(own.tensor),
                      ", got ", describe(tensor));
    check<DTypeError>(tensor.dtype() == own.tensor.dtype(), op, own.name, " is ", describe(own.tensor),
                      ", got ", describe(tensor));
    copies.emplace_back(own.tensor, &tensor);
  }
  for (const auto& [name, tensor] : given) wrong << "; " << name << " is unknown";
  check<ValueError>(wrong.view().empty(), op, "the names must be the module's", wrong.view());

  const NoGradGuard no_grad;
  for (auto& [destination, source] : copies) destination.copy_(*source);
}

template <typename Convert>
void Module::replace_tensors(const Convert& convert) {
  const NoGradGuard no_grad;
  std::vector<std::pair<Tensor, Tensor>> replaced;  // old and new: tensors that modules share stay shared
  const auto replace = [&](const std::string&, Tensor& tensor) {
    const auto known = std::find_if(replaced.begin(), replaced.end(),
                                    [&](const auto& pair) { return pair.first.is_same(tensor); });
    if (known != replaced.end()) {
      tensor = known->second;
      return;
    }
    Tensor converted = convert(tensor);
    if (converted.is_same(tensor)) return;
    if (tensor.requires_grad()) converted.set_requires_grad();
    replaced.emplace_back(std::exchange(tensor, converted), converted);
  };
  Walk::over(*this, {.parameter = replace, .buffer = replace, .module = {}});
}

void Module::to(Device device) {
  replace_tensors([&](const Tensor& tensor) { return tensor.to(device); });
}

void Module::to(DType dtype) {
  check<DTypeError>(is_floating(dtype), "to", "a module's parameters are floating, got ", dtype);
  replace_tensors(
      [&](const Tensor& tensor) { return is_floating(tensor.dtype()) ? tensor.to(dtype) : tensor; });
}

}  // namespace metron
