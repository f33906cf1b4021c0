// First- and second-order gradients against central differences in double precision.
#include <metron/core/autograd.h>
#include <metron/core/ops.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <tuple>

#include "op_case_runner.h"

namespace metron::test {
namespace {

using naive::Array;

// A step may be too long for the curvature or too short for the rounding, so one of several must confirm the
// gradient.
constexpr double steps[] = {1e-4, 1e-5, 1e-6, 1e-3};
constexpr double first_order_tolerance = 1e-8;
constexpr double second_order_tolerance = 1e-7;

// Differences are taken here for every device, whose values test_reference and test_providers compare.
constexpr Device cpu(Device::Type::cpu);

// An expanded input repeats its first slice, which is all that can vary.
Array fold(const Input& input, const Array& gradient) {
  return input.layout == Layout::expanded ? naive::reduce(gradient, {0}, true, naive::sum_of) : gradient;
}
Array unfold(const Input& input, const Array& slice) {
  if (input.layout != Layout::expanded) return slice;
  return naive::generate(input.shape, [&](const naive::Index& i) { return naive::broadcast_at(slice, i); });
}
Array slice_of(const Input& input, const Array& values) {
  if (input.layout != Layout::expanded) return values;
  Shape shape = values.shape;
  shape[0] = 1;
  return naive::generate(shape, [&](const naive::Index& i) { return values.at(i); });
}

double dot(const Array& a, const Array& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.data.size(); ++i) total += a.data[i] * b.data[i];
  return total;
}

// A point to differentiate at: the variable elements of each input that requires a gradient.
class Point {
 public:
  explicit Point(const Case& c) : case_(c) {
    for (std::size_t i = 0; i < c.inputs.size(); ++i)
      values_.push_back(slice_of(c.inputs[i], make_values(c.inputs[i], title(c), i)));
  }
  Array& operator[](std::size_t input) { return values_[input]; }
  std::vector<Tensor> tensors(Device device) const {
    std::vector<Tensor> result;
    for (std::size_t i = 0; i < values_.size(); ++i)
      result.push_back(
          make_input(case_.inputs[i], unfold(case_.inputs[i], values_[i]), DType::float64, device));
    return result;
  }

 private:
  const Case& case_;
  std::vector<Array> values_;
};

// Central differences of weights . f, where f: Point -> std::vector<Array>. Each is taken once for all
// devices.
class Differences {
 public:
  using Function = std::function<std::vector<Array>(const Point&)>;
  Differences(const Case& c, Function f, std::vector<Array> weights)
      : here_(c), f_(std::move(f)), weights_(std::move(weights)) {}

  // Along one element of an input, or along -1 or 1 in each element of the inputs with a gradient.
  double along(std::size_t input, std::int64_t element, double h) {
    return once({input, element, h}, [&](Point& point, double step) { point[input][element] += step; });
  }
  double along_all(const std::vector<Array>& gradients, double h) {
    return once({gradients.size(), -1, h}, [&](Point& point, double step) {
      for (std::size_t k = 0; k < gradients.size(); ++k)
        for (std::int64_t i = 0; i < gradients[k].numel(); ++i) point[k][i] += step * direction(i);
    });
  }
  static double direction(std::int64_t element) { return element * 7919 % 13 < 6 ? -1 : 1; }

 private:
  double once(const std::tuple<std::size_t, std::int64_t, double>& key,
              const std::function<void(Point&, double)>& move) {
    const auto [known, is_new] = known_.try_emplace(key);
    if (!is_new) return known->second;
    const double h = std::get<2>(key);
    Point ahead = here_, behind = here_;
    move(ahead, h);
    move(behind, -h);
    const std::vector<Array> plus = f_(ahead), minus = f_(behind);
    double total = 0;
    for (std::size_t k = 0; k < plus.size(); ++k) {
      for (std::size_t i = 0; i < plus[k].data.size(); ++i)
        total += (plus[k].data[i] - minus[k].data[i]) * weights_[k].data[i];
    }
    return known->second = total / (2 * h);
  }

  Point here_;
  Function f_;
  std::vector<Array> weights_;
  std::map<std::tuple<std::size_t, std::int64_t, double>, double> known_;
};

// Checks `gradients` (one per input, folded) element by element for some elements of each input, and along
// one direction over all elements of all inputs.
void expect_gradients(Differences& differences, const std::vector<Array>& gradients,
                      std::int64_t most_elements, double tolerance) {
  const auto expect_slope = [&](const auto& slope, double analytic, double allowed) {
    double closest = std::numeric_limits<double>::quiet_NaN();
    for (const double h : steps) {
      const double numeric = slope(h);
      if (!(std::abs(numeric - analytic) >= std::abs(closest - analytic))) closest = numeric;
      if (std::abs(closest - analytic) <= allowed) return;
    }
    ADD_FAILURE() << "the gradient is " << analytic << ", central differences say " << closest
                  << "; tolerance " << allowed;
  };

  double all_scale = 1e-3, all_analytic = 0;
  std::int64_t all_elements = 1;
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    const Array& gradient = gradients[k];
    double scale = 1e-3;
    for (const double value : gradient.data) scale = std::max(scale, std::abs(value));
    all_scale = std::max(all_scale, scale);
    all_elements += gradient.numel();
    for (std::int64_t i = 0; i < gradient.numel(); ++i)
      all_analytic += gradient[i] * Differences::direction(i);
    const std::int64_t stride = std::max<std::int64_t>(gradient.numel() / most_elements, 1);
    for (std::int64_t i = 0; i < gradient.numel(); i += stride) {
      SCOPED_TRACE(testing::Message() << "input " << k << ", element " << i << " of " << gradient.shape);
      expect_slope([&](double h) { return differences.along(k, i, h); }, gradient[i], tolerance * scale);
    }
  }
  SCOPED_TRACE("all elements at once");
  expect_slope([&](double h) { return differences.along_all(gradients, h); }, all_analytic,
               tolerance * all_scale * std::sqrt(static_cast<double>(all_elements)));
}

// Fewer for a large input: each costs two evaluations of all of it.
std::int64_t elements_to_check(const Case& c) {
  std::int64_t largest = 1;
  for (const Input& input : c.inputs) largest = std::max(largest, input.shape.numel());
  return std::clamp<std::int64_t>(20000 / largest, 1, 128);
}

class Gradients : public testing::TestWithParam<Case> {};

TEST_P(Gradients, MatchCentralDifferences) {
  const Case& c = GetParam();
  std::optional<Differences> differences;
  for (const Device device : devices()) {
    SCOPED_TRACE(testing::Message() << c << " on " << device << ", providers "
                                    << providers_of(device).front().name << " to " << portable(device).name);
    std::vector<Tensor> inputs = Point(c).tensors(device);
    poison(device, inputs);
    const Tensor y = c.call(inputs);
    ASSERT_EQ(y.requires_grad(), c.gradient != Gradient::none);
    if (c.gradient == Gradient::none) continue;

    // Gradients are nonzero beforehand, so that overwriting is detected as well as a missing term.
    const Array start = starting_gradient(c, y.shape());
    std::vector<Array> before(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].requires_grad()) continue;
      before[i] = make_values(in(inputs[i].shape(), Values::integer), title(c));
      inputs[i].set_grad(make_tensor(before[i], DType::float64, Layout::contiguous, device));
    }
    poison(device, inputs);
    y.backward(make_tensor(start, y.dtype(), Layout::contiguous, device));
    std::vector<Array> gradients(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].requires_grad()) continue;
      const Array accumulated = to_array(inputs[i].grad());
      ASSERT_EQ(accumulated.shape, before[i].shape);
      gradients[i] = naive::zip(accumulated, before[i], [](double a, double b) { return a - b; });
      if (c.gradient == Gradient::smooth) gradients[i] = fold(c.inputs[i], gradients[i]);
    }
    if (c.gradient == Gradient::kinked) continue;
    if (!differences) {
      differences.emplace(
          c,
          [&](const Point& point) {
            const NoGradGuard no_grad;
            return std::vector{to_array(c.call(point.tensors(cpu)))};
          },
          std::vector{start});
    }
    expect_gradients(*differences, gradients, elements_to_check(c), first_order_tolerance);
  }
}

// The layout of the output gradient does not matter.
TEST_P(Gradients, DoNotDependOnTheOutputGradientLayout) {
  const Case& c = GetParam();
  if (c.gradient == Gradient::none) return;
  for (const Device device : devices()) {
    const Outcome want = run(c, DType::float64, device);
    const Shape& shape = want.output.shape;
    std::vector<Tensor> inputs = make_inputs(c, DType::float64, device);
    const Tensor y = c.call(inputs);
    for (const Layout layout : {Layout::transposed, Layout::strided, Layout::offset, Layout::channels_last}) {
      if (layout == Layout::channels_last ? shape.size() != 4
                                          : shape.size() < (layout == Layout::transposed ? 2 : 1))
        continue;
      SCOPED_TRACE(testing::Message() << c << " on " << device << ", layout " << static_cast<int>(layout));
      poison(device, inputs);
      y.backward(make_tensor(starting_gradient(c, shape), y.dtype(), layout, device),
                 true);  // keeps the graph
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (!inputs[i].requires_grad()) continue;
        EXPECT_TRUE(close(to_array(inputs[i].grad()), want.gradients[i], 1e-13)) << "input " << i;
        inputs[i].set_grad({});
      }
    }
  }
}

// Whether all ops in the graph of y compute their gradients with recorded ops.
bool is_composite(const std::shared_ptr<GradMeta>& meta) {
  if (meta == nullptr || meta->node == nullptr) return true;
  return meta->node->differentiable &&
         std::all_of(meta->node->inputs.begin(), meta->node->inputs.end(), is_composite);
}

// First-order gradients at a point. The point's last value is the output gradient.
struct Pass {
  std::vector<Tensor> inputs;
  Tensor start;
  std::vector<Tensor> gradients;  // one per input; undefined for those without a gradient
};
Pass differentiate(const Case& c, std::vector<Tensor> inputs, const Array& start, Device device,
                   bool create_graph) {
  Pass pass{std::move(inputs), {}, {}};
  const Tensor y = c.call(pass.inputs);
  pass.start = make_tensor(start, y.dtype(), Layout::contiguous, device);
  if (create_graph) pass.start.set_requires_grad();
  y.backward(pass.start, false, create_graph);
  for (Tensor& input : pass.inputs) {
    pass.gradients.push_back(input.grad());
    if (input.requires_grad()) input.set_grad({});
  }
  return pass;
}

// The weighted sum of the gradients: a scalar to differentiate again.
Tensor weighted_sum(const Pass& pass, const std::vector<Array>& weights, Device device) {
  Tensor total = Tensor::zeros({}, {DType::float64, device, MemoryFormat::contiguous});
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (pass.gradients[i].defined())
      total = total +
              sum(pass.gradients[i] * make_tensor(weights[i], DType::float64, Layout::contiguous, device));
  }
  return total;
}

TEST_P(Gradients, SecondOrderMatchCentralDifferencesOrAreRejected) {
  const Case& c = GetParam();
  if (c.gradient == Gradient::none) return;
  std::optional<Differences> differences;
  for (const Device device : devices()) {
    SCOPED_TRACE(testing::Message() << c << " on " << device);
    const Tensor y = c.call(Point(c).tensors(device));
    const Array start = starting_gradient(c, y.shape());
    std::vector<Array> weights(c.inputs.size());
    for (std::size_t i = 0; i < c.inputs.size(); ++i) {
      if (c.inputs[i].wants_gradient())
        weights[i] = make_values(in(c.inputs[i].shape), title(c) + ", again", i);
    }
    Pass pass = differentiate(c, Point(c).tensors(device), start, device, true);
    const Tensor again = weighted_sum(pass, weights, device);
    if (!is_composite(y.grad_meta())) {
      EXPECT_THROW(again.backward(), AutogradError);
      continue;
    }
    // A composition of recorded ops serves as oracle for the fused kernel.
    const Pass fused = differentiate(c, Point(c).tensors(device), start, device, false);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (!c.inputs[i].wants_gradient()) continue;
      EXPECT_TRUE(close(to_array(pass.gradients[i]), to_array(fused.gradients[i]), 1e-13)) << "input " << i;
    }
    if (c.gradient == Gradient::kinked || elements_to_check(c) < 8) continue;

    ASSERT_TRUE(again.requires_grad());
    again.backward();
    std::vector<Array> gradients(c.inputs.size());
    for (std::size_t i = 0; i < c.inputs.size(); ++i) {
      if (!c.inputs[i].wants_gradient()) continue;
      const Tensor second = pass.inputs[i].grad();
      gradients[i] = fold(c.inputs[i], second.defined() ? to_array(second) : Array(c.inputs[i].shape));
    }
    if (!differences) {
      differences.emplace(
          c,
          [&c, start](const Point& point) {
            const Pass moved = differentiate(c, point.tensors(cpu), start, cpu, false);
            std::vector<Array> arrays;
            for (const Tensor& gradient : moved.gradients)
              arrays.push_back(gradient.defined() ? to_array(gradient) : Array());
            return arrays;
          },
          weights);
    }
    expect_gradients(*differences, gradients, std::min<std::int64_t>(elements_to_check(c), 8),
                     second_order_tolerance);
    // The gradients are linear in the output gradient, so its gradient times itself equals their sum.
    EXPECT_NEAR(dot(to_array(pass.start.grad()), start), to_array(again)[0],
                1e-12 * std::max(1.0, static_cast<double>(start.numel())));
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Gradients, testing::ValuesIn(cases()), test_name);

Tensor leaf(const std::vector<double>& values, const Shape& shape) {
  return Tensor::from(values, shape).set_requires_grad();
}

TEST(KinkGradients, EqualMaximaSplitTheGradient) {
  const Tensor x = leaf({3, 3, 1, 2, 2, 2}, {2, 3});
  sum(max(x, {1})).backward();
  EXPECT_TRUE(
      close(to_array(x.grad()), to_array(leaf({0.5, 0.5, 0, 1. / 3, 1. / 3, 1. / 3}, {2, 3})), 1e-15));
}

TEST(KinkGradients, EqualOperandsOfMaximumSplitTheGradient) {
  const Tensor a = leaf({1, 2, 3}, {3}), b = leaf({1, 3, 2}, {3});
  sum(maximum(a, b)).backward();
  EXPECT_EQ(a.grad().to_vector<double>(), (std::vector<double>{0.5, 0, 1}));
  EXPECT_EQ(b.grad().to_vector<double>(), (std::vector<double>{0.5, 1, 0}));
}

TEST(KinkGradients, MaxPoolTakesTheFirst) {
  const Tensor x = leaf({5, 5, 5, 5}, {1, 1, 2, 2});
  max_pool2d(x, {.kernel = 2}).backward(Tensor::ones({1, 1, 1, 1}, {DType::float64}));
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{1, 0, 0, 0}));
}

TEST(KinkGradients, ReluIsZeroAndClampIsOneAtTheirBounds) {
  const Tensor x = leaf({-1, 0, 1}, {3});
  sum(relu(x)).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{0, 0, 1}));
  const Tensor y = leaf({-2, -1, 0, 1, 2}, {5});
  sum(clamp(y, -1, 1)).backward();
  EXPECT_EQ(y.grad().to_vector<double>(), (std::vector<double>{0, 1, 1, 1, 0}));
}

}  // namespace
}  // namespace metron::test
