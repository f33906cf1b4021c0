#include <metron/core/autograd.h>
#include <metron/core/gradcheck.h>
#include <metron/core/internal/classic_stream.h>
#include <metron/core/ops.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace metron {
namespace {

constexpr char op[] = "gradcheck";

std::vector<double> values_of(const Tensor& tensor) {
  return tensor.detach().to(DType::float64).to_vector<double>();
}

// Of row-major element i: a view that shares its memory.
Tensor element(const Tensor& tensor, std::int64_t i) {
  Tensor view = tensor.detach();
  for (int axis = tensor.rank() - 1; axis >= 0; --axis) {
    const std::int64_t size = tensor.shape()[axis];
    view = view.select(axis, i % size);
    i /= size;
  }
  return view;
}

// Sets an element for a scope.
class Moved {
 public:
  Moved(const Tensor& tensor, std::int64_t i, double value, double before)
      : element_(element(tensor, i)), before_(before) {
    element_.fill_(value);
  }
  ~Moved() { element_.fill_(before_); }
  Moved(const Moved&) = delete;
  Moved& operator=(const Moved&) = delete;

 private:
  Tensor element_;
  double before_;
};

// Weights of the output's elements: in [0.5, 1.5], without a pattern that a gradient could share.
double weight(std::size_t i) {
  const double x = static_cast<double>(i + 1) * 0.6180339887498949;
  return 0.5 + (x - std::floor(x));
}

double weighted(const std::vector<double>& y) {
  double total = 0;
  for (std::size_t i = 0; i < y.size(); ++i) total += weight(i) * y[i];
  return total;
}

// Backward's gradient of the weighted output for each input; undefined where an input does not require one.
std::vector<Tensor> recorded_gradients(const std::function<Tensor(std::span<const Tensor>)>& f,
                                       std::span<const Tensor> inputs) {
  const GradModeGuard recording(true);
  std::vector<Tensor> kept;
  for (Tensor input : inputs) {
    kept.push_back(input.grad());
    if (input.requires_grad()) input.set_grad({});
  }
  const auto restore = [&] {
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      Tensor input = inputs[k];
      if (input.requires_grad()) input.set_grad(kept[k]);
    }
  };
  std::vector<Tensor> gradients;
  try {
    const Tensor y = f(inputs);
    check<ValueError>(y.defined() && y.requires_grad(), op,
                      "the result must depend on an input that requires a gradient, got ", describe(y));
    std::vector<double> weights(static_cast<std::size_t>(y.numel()));
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = weight(i);
    y.backward(Tensor::from(weights, y.shape()).to(y.dtype()).to(y.device()));
    for (const Tensor& input : inputs) gradients.push_back(input.grad());
  } catch (...) {
    restore();
    throw;
  }
  restore();
  return gradients;
}

double rounded(DType dtype, double value) {
  return dtype == DType::float32 ? static_cast<double>(static_cast<float>(value)) : value;
}

}  // namespace

GradcheckResult gradcheck(const std::function<Tensor(std::span<const Tensor>)>& f,
                          std::span<const Tensor> inputs, const GradcheckOptions& options) {
  check<ValueError>(options.step >= 0 && options.tolerance >= 0 && options.most_elements > 0, op,
                    "step and tolerance must not be negative and most_elements must be positive, got ",
                    options.step, ", ", options.tolerance, " and ", options.most_elements);
  bool any = false;
  for (const Tensor& input : inputs) {
    if (!input.defined() || !input.requires_grad()) continue;
    any = true;
    check<DTypeError>(input.dtype() == DType::float64 || input.dtype() == DType::float32, op,
                      "inputs with a gradient must be float64 or float32, got ", describe(input));
    check<ValueError>(input.is_leaf() && input.is_dense(), op,
                      "inputs with a gradient must be dense leaves, got ", describe(input));
  }
  check<ValueError>(any, op, "no input requires a gradient");

  const std::vector<Tensor> gradients = recorded_gradients(f, inputs);
  const NoGradGuard no_grad;
  const auto output = [&] { return weighted(values_of(f(inputs))); };
  const double first = output(), second = output();
  check<ValueError>(first == second || (std::isnan(first) && std::isnan(second)), op,
                    "the result changes between two calls with the same inputs: ", first, " and ", second);

  GradcheckResult result;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const Tensor& input = inputs[k];
    if (!input.defined() || !input.requires_grad()) continue;
    const bool is_float64 = input.dtype() == DType::float64;
    const double step = options.step > 0 ? options.step : is_float64 ? 1e-5 : 5e-3;
    const double tolerance = options.tolerance > 0 ? options.tolerance : is_float64 ? 1e-6 : 1e-2;
    const std::vector<double> x = values_of(input);
    const std::vector<double> recorded =
        gradients[k].defined() ? values_of(gradients[k]) : std::vector<double>(x.size());
    double scale = 1;
    for (const double value : recorded)
      if (std::isfinite(value)) scale = std::max(scale, std::abs(value));
    const std::int64_t stride =
        std::max<std::int64_t>(1, (input.numel() + options.most_elements - 1) / options.most_elements);
    for (std::int64_t i = 0; i < input.numel(); i += stride) {
      const double here = x[static_cast<std::size_t>(i)], h = step * std::max(1.0, std::abs(here));
      const double above = rounded(input.dtype(), here + h), below = rounded(input.dtype(), here - h);
      const auto at = [&](double value) {
        const Moved moved(input, i, value, here);
        return output();
      };
      const double slope = (at(above) - at(below)) / (above - below);
      const double got = recorded[static_cast<std::size_t>(i)], error = std::abs(got - slope) / scale;
      if (error <= result.largest_error) continue;  // false for NaN
      if (!(error <= tolerance)) {
        detail::ClassicStream text;
        text << "input " << k << ", element " << i << " of " << describe(input) << ": backward gives " << got
             << ", central differences " << slope;
        result.mismatch = text.str();
        if (std::isnan(error)) {
          result.largest_error = error;
          return result;
        }
      }
      result.largest_error = error;
    }
  }
  return result;
}

}  // namespace metron
