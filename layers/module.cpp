#include <metron/core/autograd.h>
#include <metron/core/internal/classic_stream.h>
#include <metron/core/timer/record.h>
#include <metron/layers/module.h>

#include <algorithm>
#include <functional>
#include <map>
#include <sstream>
#include <utility>

namespace metron {

// Traverses a module recursively, passing full paths, and assigns the names of submodules.
class Module::Traversal final : public MemberVisitor {
 public:
  struct Actions {
    std::function<void(const std::string&, Tensor&)> parameter;  // receives the path
    std::function<void(const std::string&, Tensor&)> buffer;
    std::function<void(Module&)> module;
  };
  static void over(Module& root, const Actions& actions) { Traversal(actions).visit(root); }

  void parameter(const std::string& name, Tensor& tensor) override {
    if (tensor.defined() && actions_.parameter) actions_.parameter(prefix_ + name, tensor);
  }
  void buffer(const std::string& name, Tensor& tensor) override {
    if (tensor.defined() && actions_.buffer) actions_.buffer(prefix_ + name, tensor);
  }
  void module(const std::string& name, Module& module) override {
    module.naming_.name.store(immortal(name), std::memory_order_relaxed);
    const std::size_t length = prefix_.size();
    prefix_ += name + '.';
    visit(module);
    prefix_.resize(length);
  }

 private:
  explicit Traversal(const Actions& actions) : actions_(actions) {}
  void visit(Module& module) {
    if (actions_.module) actions_.module(module);
    module.members(*this);
    module.naming_.complete.store(true, std::memory_order_release);
  }

  const Actions& actions_;
  std::string prefix_;
};

void Module::name_members() { Traversal::over(*this, {}); }

Tensor Module::operator()(const Tensor& x) {
  return call([&] { return forward(x); });
}

std::vector<NamedTensor> Module::collect(bool parameters, bool buffers) {
  std::vector<NamedTensor> result;
  Traversal::Actions actions;
  const auto keep = [&](const std::string& path, Tensor& tensor) { result.push_back({path, tensor}); };
  if (parameters) actions.parameter = keep;
  if (buffers) actions.buffer = keep;
  Traversal::over(*this, actions);
  return result;
}

std::vector<NamedTensor> Module::named_parameters() { return collect(true, false); }

std::vector<NamedTensor> Module::named_buffers() { return collect(false, true); }

std::vector<NamedTensor> Module::state() { return collect(true, true); }

std::vector<Tensor> Module::parameters() {
  std::vector<Tensor> result;
  for (const NamedTensor& named : named_parameters()) {
    const auto same = [&](const Tensor& known) { return known.is_same(named.tensor); };
    if (std::none_of(result.begin(), result.end(), same)) result.push_back(named.tensor);
  }
  return result;
}

std::int64_t Module::parameter_count() {
  std::int64_t count = 0;
  for (const Tensor& parameter : parameters()) count += parameter.numel();
  return count;
}

void Module::train(bool on) {
  Traversal::over(*this,
                  {.parameter = {}, .buffer = {}, .module = [&](Module& module) { module.training_ = on; }});
}

LoadedState Module::load_state(std::span<const NamedTensor> state, const LoadStateOptions& options) {
  constexpr char op[] = "load_state";
  std::map<std::string, const Tensor*> sources;
  for (const NamedTensor& source : state) {
    check<ValueError>(source.tensor.defined(), op, source.name, " is undefined");
    check<ValueError>(sources.emplace(source.name, &source.tensor).second, op, source.name, " appears twice");
  }

  LoadedState left_out;
  std::vector<std::pair<Tensor, const Tensor*>> copies;  // destination and source
  for (const NamedTensor& own : this->state()) {
    const auto source = sources.extract(own.name);
    if (source.empty()) {
      left_out.missing.push_back(own.name);
      continue;
    }
    const Tensor& tensor = *source.mapped();
    const DType from = tensor.dtype(), to = own.tensor.dtype();
    const bool same_shape = tensor.shape() == own.tensor.shape();
    const bool same_dtype = from == to || (options.cast && is_floating(from) && is_floating(to));
    detail::ClassicStream difference;
    difference << own.name << " is " << describe(own.tensor) << ", got " << describe(tensor);
    check<ShapeError>(same_shape || !options.strict, op, difference.view());
    check<DTypeError>(same_dtype || !options.strict, op, difference.view());
    if (same_shape && same_dtype) {
      copies.emplace_back(own.tensor, &tensor);
    } else {
      left_out.mismatched.emplace_back(difference.view());
    }
  }
  for (const auto& [name, tensor] : sources) left_out.unexpected.push_back(name);
  if (options.strict) {
    detail::ClassicStream names;
    for (const std::string& name : left_out.missing) names << "; " << name << " is missing";
    for (const std::string& name : left_out.unexpected) names << "; " << name << " is unknown";
    check<ValueError>(names.view().empty(), op, "the names must be the module's", names.view());
  }

  const NoGradGuard no_grad;
  for (auto& [destination, source] : copies) destination.copy_(*source);
  return left_out;
}

template <typename Convert>
void Module::replace_tensors(const Convert& convert) {
  const NoGradGuard no_grad;
  std::vector<std::pair<Tensor, Tensor>> replaced;  // old and new: shared tensors remain shared
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
  Traversal::over(*this, {.parameter = replace, .buffer = replace, .module = {}});
}

void Module::to(Device device) {
  replace_tensors([&](const Tensor& tensor) { return tensor.to(device); });
}

void Module::to(DType dtype) {
  check<DTypeError>(is_floating(dtype), "to", "parameters require a floating dtype, got ", dtype);
  replace_tensors(
      [&](const Tensor& tensor) { return is_floating(tensor.dtype()) ? tensor.to(dtype) : tensor; });
}

}  // namespace metron
