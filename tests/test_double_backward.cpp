// Second derivatives against central differences of the gradient, in float64.
#include <gtest/gtest.h>
#include <metron/core/autograd.h>
#include <metron/core/ops.h>

#include <cmath>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "expect_error.h"

namespace metron::test {
namespace {

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

struct DoubleBackwardCase {
  std::string name;
  std::vector<Shape> inputs;
  Function call;
};

// Between 0.6 and 1.8, no two neighbors equal: away from kinks and poles.
Tensor values(const Shape& shape, double phase) {
  std::vector<double> data(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < data.size(); ++i)
    data[i] = 1.2 + 0.6 * std::sin(0.3 + phase + 1.7 * static_cast<double>(i));
  return Tensor::from(data, shape);
}

Tensor weights_like(const Tensor& x) { return values(x.shape(), 5); }

// A fixed linear combination of the gradients of a fixed linear combination of the result.
Tensor combined_gradients(const Function& call, std::vector<Tensor>& inputs, bool create_graph) {
  for (Tensor& x : inputs) x.set_grad({});
  const Tensor y = call(inputs);
  sum(y * weights_like(y)).backward({}, create_graph, create_graph);
  Tensor total = Tensor::zeros({}, {DType::float64});
  for (const Tensor& x : inputs) {
    if (x.grad()) total = total + sum(x.grad() * weights_like(x));
  }
  return total;
}

// The same, with element i of one input perturbed.
double moved(const Function& call, const std::vector<Tensor>& inputs, std::size_t which, std::size_t i,
             double step) {
  std::vector<Tensor> copies;
  copies.reserve(inputs.size());
  for (const Tensor& x : inputs) copies.push_back(x.detach().clone());
  std::vector<double> data = copies[which].to_vector<double>();
  data[i] += step;
  copies[which] = Tensor::from(data, copies[which].shape());
  for (Tensor& x : copies) x.set_requires_grad();
  return combined_gradients(call, copies, false).item<double>();
}

void check_double_backward(const DoubleBackwardCase& c) {
  SCOPED_TRACE(c.name);
  std::vector<Tensor> inputs;
  for (const Shape& shape : c.inputs) {
    inputs.push_back(values(shape, static_cast<double>(inputs.size())));
    inputs.back().set_requires_grad();
  }
  const Tensor first = combined_gradients(c.call, inputs, true);
  for (Tensor& x : inputs) x.set_grad({});
  if (first.requires_grad()) first.backward();
  constexpr double step = 1e-5;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const std::vector<double> got = inputs[k].grad()
                                        ? inputs[k].grad().to_vector<double>()
                                        : std::vector<double>(static_cast<std::size_t>(inputs[k].numel()));
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double want =
          (moved(c.call, inputs, k, i, step) - moved(c.call, inputs, k, i, -step)) / (2 * step);
      EXPECT_NEAR(got[i], want, 1e-6 * std::max(1.0, std::abs(want))) << "input " << k << ", element " << i;
    }
  }
}

const Tensor& labels() {
  static const Tensor target = Tensor::from(std::vector<std::int64_t>{2, 0}, {2});
  return target;
}

std::vector<DoubleBackwardCase> double_backward_cases() {
  using In = const std::vector<Tensor>&;
  const Shape m{2, 3};
  const Shape image{1, 2, 4, 5};
  std::vector<DoubleBackwardCase> list{
      {"add", {m, {3}}, [](In x) { return pow(x[0] + x[1], 3); }},
      {"sub", {m, {3}}, [](In x) { return pow(x[0] - x[1], 3); }},
      {"mul", {m, {3}}, [](In x) { return x[0] * x[1]; }},
      {"div", {m, {2, 1}}, [](In x) { return x[0] / x[1]; }},
      {"maximum", {m, m}, [](In x) { return pow(maximum(x[0], x[1]), 3); }},
      {"minimum", {m, m}, [](In x) { return pow(minimum(x[0], x[1]), 3); }},
      {"affine", {m}, [](In x) { return pow(2 * x[0] - 1, 3); }},
      {"pow", {m}, [](In x) { return pow(x[0], 2.5); }},
      {"exp", {m}, [](In x) { return exp(x[0]); }},
      {"log", {m}, [](In x) { return log(x[0]); }},
      {"sqrt", {m}, [](In x) { return sqrt(x[0]); }},
      {"relu", {m}, [](In x) { return pow(relu(x[0] - 1.2), 3); }},
      {"gelu", {m}, [](In x) { return gelu(x[0]); }},
      {"sigmoid", {m}, [](In x) { return sigmoid(x[0]); }},
      {"tanh", {m}, [](In x) { return tanh(x[0]); }},
      {"clamp", {m}, [](In x) { return pow(clamp(x[0], 0.9, 1.5), 3); }},
      {"where", {m, m}, [](In x) { return pow(where(gt(x[0], x[1]), x[0], x[1] * x[1]), 2); }},
      {"sum", {m}, [](In x) { return pow(sum(x[0], {1}), 3); }},
      {"mean", {m}, [](In x) { return pow(mean(x[0], {0}, true), 3); }},
      {"max", {m}, [](In x) { return pow(max(x[0], {1}), 3); }},
      {"views",
       {image},
       [](In x) {
         return pow(x[0].permute({2, 0, 3, 1}).slice(0, 0, 4, 2).select(1, 0).transpose(0, 1).flatten(), 3);
       }},
      {"expand",
       {{3}},
       [](In x) {
         return pow(x[0].expand({2, 3}), 3);
       }},
      {"copies", {image}, [](In x) { return pow(x[0].to(MemoryFormat::channels_last).clone(), 3); }},
      {"cat", {m, m}, [](In x) { return pow(cat(x, 1), 3); }},
      {"matmul", {{2, 2, 3}, {3, 2}}, [](In x) { return matmul(x[0], x[1]); }},
      {"matmul: batches", {{2, 1, 2, 3}, {2, 3, 1}}, [](In x) { return matmul(x[0], x[1]); }},
      {"matmul: vectors", {{3}, {3}}, [](In x) { return matmul(x[0], x[1]); }},
      {"linear", {m, {2, 3}, {2}}, [](In x) { return linear(x[0], x[1], x[2]); }},
      {"linear: relu",
       {m, {2, 3}, {2}},
       [](In x) { return pow(linear(x[0], x[1], -4 * x[2], Activation::relu), 2); }},
      {"addmm", {{2}, m, {3, 2}}, [](In x) { return addmm(x[0], x[1], x[2]); }},
      {"conv2d", {image, {2, 2, 2, 3}, {2}}, [](In x) { return conv2d(x[0], x[1], x[2]); }},
      {"conv2d: options",
       {image, {2, 1, 2, 2}, {2}},
       [](In x) {
         return conv2d(x[0], x[1], x[2], {.stride = {2, 1}, .padding = 1, .dilation = {1, 2}, .groups = 2});
       }},
      {"conv2d: relu",
       {image, {2, 2, 2, 3}, {2}},
       [](In x) { return pow(conv2d(x[0], x[1], -14 * x[2], {}, Activation::relu), 2); }},
      {"avg_pool2d",
       {image},
       [](In x) { return pow(avg_pool2d(x[0], {.kernel = 2, .stride = 1, .padding = 1}), 3); }},
      {"dropout",
       {m},
       [](In x) {
         manual_seed(3);
         return pow(dropout(x[0], 0.5), 3);
       }},
      {"softmax", {m}, [](In x) { return softmax(x[0], 1); }},
      {"log_softmax", {m}, [](In x) { return log_softmax(x[0], 0); }},
      {"mse_loss", {m, m}, [](In x) { return mse_loss(x[0], x[1]); }},
      {"embedding", {{4, 2}}, [](In x) { return pow(embedding(x[0], labels()), 3); }},
  };
  for (const Reduction reduction : {Reduction::none, Reduction::mean, Reduction::sum}) {
    list.push_back({"nll_loss", {m}, [=](In x) { return pow(nll_loss(x[0], labels(), reduction), 3); }});
    list.push_back({"cross_entropy", {m}, [=](In x) { return cross_entropy(x[0], labels(), reduction); }});
  }
  return list;
}

TEST(DoubleBackward, AgreesWithCentralDifferences) {
  for (const DoubleBackwardCase& c : double_backward_cases()) check_double_backward(c);
}

TEST(DoubleBackward, IsRejectedWhereTheGradientIsAFusedKernel) {
  const Function fused[] = {
      [](const std::vector<Tensor>& x) { return max_pool2d(x[0], {}); },
      [](const std::vector<Tensor>& x) { return batch_norm(x[0], {}, {}, {}, {}, true); },
      [](const std::vector<Tensor>& x) { return layer_norm(x[0], {4}); },
  };
  for (const Function& call : fused) {
    std::vector<Tensor> inputs{values({2, 2, 4, 4}, 0).set_requires_grad()};
    const Tensor first = combined_gradients(call, inputs, true);
    expect_error<AutogradError>([&] { first.backward(); }, {"fused", "differentiated again"});
  }
}

}  // namespace
}  // namespace metron::test
