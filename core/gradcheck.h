// Compares the gradients that an op or module records with central differences.
#pragma once

#include <metron/core/tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace metron {

struct GradcheckOptions {
  double step = 0;       // relative to max(1, |x|); 0: 1e-5 for float64, 5e-3 for float32
  double tolerance = 0;  // relative to max(1, the largest gradient); 0: 1e-6 for float64, 1e-2 for float32
  std::int64_t most_elements = 1024;  // of an input, evenly spread
};

struct GradcheckResult {
  double largest_error = 0;  // relative, as the tolerance
  std::string mismatch;      // the largest beyond the tolerance; empty if there is none
  explicit operator bool() const { return mismatch.empty(); }
};

// f's derivative with respect to each input that requires a gradient, along a fixed pseudo-random direction
// of its output. f must be smooth near the inputs and return the same for the same inputs: kinks and random
// numbers show as mismatches. The inputs are leaves; their elements are changed during the call and restored,
// their grad() is kept.
//   const auto result = gradcheck([](auto x) { return tanh(x[0]); },
//   {{Tensor::from(...).set_requires_grad()}}); if (!result) std::cerr << result.mismatch;
// Errors: ValueError for inputs that do not require a gradient, a result that does not depend on them, or
// that changes between two calls; DTypeError for those that are neither float64 nor float32.
GradcheckResult gradcheck(const std::function<Tensor(std::span<const Tensor>)>& f,
                          std::span<const Tensor> inputs, const GradcheckOptions& options = {});

}  // namespace metron
