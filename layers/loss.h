// Loss functions as function objects that hold their reduction. Results have shape () unless it is
// Reduction::none. Errors are those of the op of the same name in core/ops.h.
#pragma once

#include <metron/core/ops.h>

namespace metron {

// x (N, C) log-probabilities, target (N) int64 in [0, C).
struct NLLLoss {
  Reduction reduction = Reduction::mean;
  Tensor operator()(const Tensor& x, const Tensor& target) const { return nll_loss(x, target, reduction); }
};

// x (N, C) logits, target (N) int64 in [0, C).
struct CrossEntropyLoss {
  Reduction reduction = Reduction::mean;
  Tensor operator()(const Tensor& x, const Tensor& target) const {
    return cross_entropy(x, target, reduction);
  }
};

// x and target of one shape and floating dtype.
struct MSELoss {
  Reduction reduction = Reduction::mean;
  Tensor operator()(const Tensor& x, const Tensor& target) const { return mse_loss(x, target, reduction); }
};

}  // namespace metron
