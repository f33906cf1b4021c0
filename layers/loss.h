// Loss functions as function objects that hold their reduction.
#pragma once

#include <metron/core/ops.h>

namespace metron {

struct NLLLoss {
  Reduction reduction = Reduction::mean;
  Tensor operator()(const Tensor& x, const Tensor& target) const { return nll_loss(x, target, reduction); }
};

struct CrossEntropyLoss {
  Reduction reduction = Reduction::mean;
  Tensor operator()(const Tensor& x, const Tensor& target) const {
    return cross_entropy(x, target, reduction);
  }
};

struct MSELoss {
  Reduction reduction = Reduction::mean;
  Tensor operator()(const Tensor& x, const Tensor& target) const { return mse_loss(x, target, reduction); }
};

}  // namespace metron
