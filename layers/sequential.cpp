#include <metron/layers/activation.h>
#include <metron/layers/sequential.h>

#include <algorithm>

namespace metron {

void Sequential::append(const std::string& name, std::unique_ptr<Module> module) {
  const bool taken =
      std::any_of(steps_.begin(), steps_.end(), [&](const Step& step) { return step.name == name; });
  check<ValueError>(!name.empty() && name.find('.') == std::string::npos && !taken, "Sequential",
                    "a name must be new and without a dot, got \"", name, '"');
  if (!steps_.empty() && dynamic_cast<const ReLU*>(module.get()) != nullptr)
    steps_.back().fused_with_next = dynamic_cast<EpilogueModule*>(steps_.back().module.get());
  steps_.push_back({name, std::move(module)});
  members_changed();
}

void Sequential::members(MemberVisitor& visit) {
  for (Step& step : steps_) visit.module(step.name, *step.module);
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (EpilogueModule* fused = steps_[i].fused_with_next) {
      y = (*fused)(y, Activation::relu);
      ++i;
    } else {
      y = (*steps_[i].module)(y);
    }
  }
  return y;
}

}  // namespace metron
