// gradcheck, the public check of gradients: what is right passes, every kind of fault is named.
#include <metron/core/autograd.h>
#include <metron/core/gradcheck.h>
#include <metron/core/ops.h>
#include <metron/core/random.h>
#include <metron/layers/layers.h>

#include <cmath>

#include "expect_error.h"
#include "temporary_folder.h"

namespace metron::test {
namespace {

using Inputs = std::span<const Tensor>;

Tensor leaf(const Shape& shape, DType dtype = DType::float64) {
  return rand_uniform(shape, 0.5, 2, {dtype}).set_requires_grad();
}

// x * factor, whose backward multiplies by another factor.
Tensor scaled(const Tensor& x, double factor, double backward_factor) {
  const NoGradGuard no_grad;
  Tensor y = x.detach() * factor;
  const GradModeGuard recording(true);
  record("scaled", y, {&x}, Backward::composite,
         [backward_factor](const Tensor& g) { return g * backward_factor; });
  return y;
}

TEST(Gradcheck, AcceptsWhatIsRight) {
  manual_seed(1);
  const std::vector<Tensor> inputs{leaf({3, 4}), leaf({4, 2}), Tensor::ones({2}, {DType::float64})};
  const auto result = gradcheck([](Inputs x) { return tanh(matmul(x[0], x[1]) + x[2]); }, inputs);
  EXPECT_TRUE(result) << result.mismatch;
  EXPECT_LT(result.largest_error, 1e-8);
  EXPECT_GT(result.largest_error, 0);
}

TEST(Gradcheck, AcceptsFloat32AndParametersOfAModule) {
  manual_seed(1);
  Linear layer(5, 3);
  std::vector<Tensor> inputs = layer.parameters();
  const Tensor x = rand_normal({4, 5});
  const std::vector<float> before = inputs[0].to_vector<float>();
  const auto result = gradcheck([&](Inputs) { return sum(sigmoid(layer(x))); }, inputs);
  EXPECT_TRUE(result) << result.mismatch;
  EXPECT_EQ(inputs[0].to_vector<float>(), before);
  EXPECT_FALSE(inputs[0].grad().defined());
}

TEST(Gradcheck, NamesTheElementThatIsWrong) {
  const std::vector<Tensor> inputs{Tensor::ones({2}, {DType::float64}), leaf({2, 3})};
  const auto wrong = gradcheck([](Inputs x) { return scaled(x[1], 2, 2.001); }, inputs);
  EXPECT_FALSE(wrong);
  EXPECT_NEAR(wrong.largest_error, 0.001 / 2.001, 1e-3);
  EXPECT_TRUE(contains(wrong.mismatch,
                       {"input 1, element ", "float64 (2, 3)", "backward gives", "central differences"}));
  EXPECT_TRUE(gradcheck([](Inputs x) { return scaled(x[1], 2, 2); }, inputs));
  EXPECT_FALSE(gradcheck([](Inputs x) { return scaled(x[1], 2, std::nan("")); }, inputs));
  EXPECT_TRUE(gradcheck([](Inputs x) { return scaled(x[1], 2, 2.001); }, inputs, {.tolerance = 0.01}));
}

// A gradient that is not propagated at all.
TEST(Gradcheck, SeesAMissingGradient) {
  const std::vector<Tensor> inputs{leaf({2}), leaf({2})};
  const auto result = gradcheck([](Inputs x) { return x[0] + x[1].detach(); }, inputs);
  EXPECT_TRUE(contains(result.mismatch, {"input 1, element ", "backward gives 0"}));
}

TEST(Gradcheck, KeepsGradientsAndLayouts) {
  Tensor x = leaf({2, 3, 4, 5});
  x = x.detach().to(MemoryFormat::channels_last).set_requires_grad();
  x.set_grad(Tensor::ones(x.shape(), {DType::float64}));
  const std::vector<Tensor> inputs{x};
  EXPECT_TRUE(gradcheck([](Inputs in) { return in[0] * in[0]; }, inputs, {.most_elements = 7}));
  EXPECT_EQ(x.grad().to_vector<double>(), std::vector<double>(120, 1.0));
}

TEST(Gradcheck, RefusesMisuse) {
  const std::vector<Tensor> good{leaf({2})};
  const auto identity = [](Inputs x) { return x[0] * 1; };
  const auto of = [&](std::vector<Tensor> inputs) { return [=] { gradcheck(identity, inputs); }; };
  expect_error<ValueError>(of({}), {"[gradcheck] no input requires a gradient"});
  expect_error<ValueError>(of({Tensor::ones({2})}), {"no input requires a gradient"});
  expect_error<DTypeError>(of({leaf({2}, DType::float16)}), {"must be float64 or float32, got float16 (2,)"});
  expect_error<ValueError>(of({good[0] * 2}), {"must be dense leaves"});
  expect_error<ValueError>([&] { gradcheck([](Inputs x) { return x[0].detach(); }, good); },
                           {"the result must depend on an input"});
  expect_error<ValueError>([&] { gradcheck([](Inputs) { return Tensor(); }, good); },
                           {"the result must depend on an input", "undefined tensor"});
  expect_error<ValueError>([&] { gradcheck([](Inputs x) { return dropout(x[0], 0.5); }, {good}); },
                           {"the result changes between two calls"});
  expect_error<ValueError>([&] { gradcheck(identity, good, {.most_elements = 0}); }, {"most_elements"});
  EXPECT_FALSE(good[0].grad().defined());
}

}  // namespace
}  // namespace metron::test
