// The autograd engine: accumulation, lifetime of the graph and its saved tensors, errors, depth.
#include <metron/core/allocator.h>
#include <metron/core/autograd.h>
#include <metron/core/ops.h>
#include <metron/core/storage.h>

#include <cmath>
#include <thread>

#include "expect_error.h"

namespace metron::test {
namespace {

using Doubles = std::vector<double>;

Tensor leaf(const Doubles& values) {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size())}).set_requires_grad();
}
Tensor ones(const Shape& shape) { return Tensor::ones(shape, {DType::float64}); }
Doubles gradient_of(const Tensor& x) { return x.grad().to_vector<double>(); }

// ---- Accumulation ----

TEST(Accumulation, AcrossBackwardPasses) {
  const Tensor x = leaf({2, 3});
  EXPECT_FALSE(x.grad().defined());
  sum(x * x).backward();
  EXPECT_EQ(gradient_of(x), (Doubles{4, 6}));
  sum(x * 10).backward();
  EXPECT_EQ(gradient_of(x), (Doubles{14, 16}));
}

TEST(Accumulation, RestartsAfterClearing) {
  Tensor x = leaf({2, 3});
  sum(x * x).backward();
  x.set_grad({});
  EXPECT_FALSE(x.grad().defined());
  sum(x).backward();
  EXPECT_EQ(gradient_of(x), (Doubles{1, 1}));
}

TEST(Accumulation, AcrossUsesOfATensor) {
  const Tensor x = leaf({2, 3});
  const Tensor y = x * x;         // 2x
  sum(y * y + y + x).backward();  // 4x^3 + 2x + 1
  EXPECT_EQ(gradient_of(x), (Doubles{37, 115}));
}

TEST(Accumulation, AcrossManyPathsVisitsEachOpOnce) {
  // 2^60 paths through these diamonds.
  const Tensor x = leaf({1});
  Tensor y = x;
  for (int i = 0; i < 60; ++i) y = y * 0.5 + y * 0.5;
  sum(y).backward();
  EXPECT_EQ(gradient_of(x), (Doubles{1}));
}

TEST(Accumulation, ReducesBroadcastAxes) {
  const Tensor row = Tensor::from(Doubles{1, 2, 3}, {3}).set_requires_grad();
  const Tensor column = Tensor::from(Doubles{1, 2}, {2, 1}).set_requires_grad();
  const Tensor scalar = Tensor::full({}, 2, {DType::float64}).set_requires_grad();
  const Tensor y = row * column * scalar;
  ASSERT_EQ(y.shape(), (Shape{2, 3}));
  sum(y).backward();
  EXPECT_EQ(row.grad().shape(), (Shape{3}));
  EXPECT_EQ(gradient_of(row), (Doubles{6, 6, 6}));
  EXPECT_EQ(column.grad().shape(), (Shape{2, 1}));
  EXPECT_EQ(gradient_of(column), (Doubles{12, 12}));
  EXPECT_EQ(scalar.grad().shape(), Shape{});
  EXPECT_EQ(gradient_of(scalar), (Doubles{18}));
}

TEST(Accumulation, CastsBackToTheInputDtype) {
  const Tensor x = Tensor::ones({3}).set_requires_grad();
  const Tensor y = x.to(DType::float64) * Tensor::from(Doubles{1, 2, 3}, {3});
  y.backward(ones({3}));
  EXPECT_EQ(x.grad().dtype(), DType::float32);
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{1, 2, 3}));
}

// ---- Gradients do not alias other tensors ----

TEST(Aliasing, BothInputsOfAnAddition) {
  const Tensor a = leaf({1, 2}), b = leaf({3, 4});
  const Tensor g = ones({2});
  (a + b).backward(g);
  EXPECT_NE(a.grad().storage(), b.grad().storage());
  EXPECT_NE(a.grad().storage(), g.storage());
  EXPECT_NE(b.grad().storage(), g.storage());
  a.grad().fill_(7);
  EXPECT_EQ(gradient_of(b), (Doubles{1, 1}));
  EXPECT_EQ(g.to_vector<double>(), (Doubles{1, 1}));
}

TEST(Aliasing, ATensorAddedToItself) {
  const Tensor x = leaf({1, 2});
  const Tensor g = ones({2});
  (x + x).backward(g);
  EXPECT_EQ(gradient_of(x), (Doubles{2, 2}));
  EXPECT_EQ(g.to_vector<double>(), (Doubles{1, 1}));
}

TEST(Aliasing, ThroughViews) {
  const Tensor x = leaf({1, 2, 3, 4});
  const Tensor g = ones({2, 2});
  x.reshape({2, 2}).transpose(0, 1).backward(g);
  EXPECT_NE(x.grad().storage(), g.storage());
  const Tensor y = leaf({1});
  y.expand({5}).backward(ones({5}));
  EXPECT_EQ(gradient_of(y), (Doubles{5}));
  EXPECT_TRUE(y.grad().is_contiguous());
}

TEST(Aliasing, AHeldGradientIsNotModified) {
  const Tensor x = leaf({1, 2});
  sum(x).backward();
  const Tensor held = x.grad();
  sum(x * 5).backward();
  EXPECT_EQ(held.to_vector<double>(), (Doubles{1, 1}));
  EXPECT_EQ(gradient_of(x), (Doubles{6, 6}));
}

TEST(Aliasing, RetainedGradientsOfAChain) {
  const Tensor x = leaf({1, 2});
  Tensor y = x + 1, z = y + 1;
  y.retain_grad();
  z.retain_grad();
  z.backward(ones({2}));
  EXPECT_NE(y.grad().storage(), z.grad().storage());
  EXPECT_NE(x.grad().storage(), y.grad().storage());
}

// ---- Intermediate gradients, leaves, detach ----

TEST(InnerGradients, AreRetainedOnlyOnRequest) {
  const Tensor x = leaf({2});
  Tensor y = x * 3, z = y * y;
  y.retain_grad();
  sum(z * 2).backward();
  EXPECT_EQ(gradient_of(y), (Doubles{24}));
  EXPECT_FALSE(z.grad().defined());
  EXPECT_EQ(gradient_of(x), (Doubles{72}));
}

TEST(Leaves, CanBeMarkedAndUnmarked) {
  Tensor x = Tensor::ones({2});
  EXPECT_TRUE(x.is_leaf());
  EXPECT_FALSE(x.requires_grad());
  EXPECT_FALSE((x * 2).requires_grad());
  x.set_requires_grad();
  Tensor y = x * 2;
  EXPECT_TRUE(x.is_leaf());
  EXPECT_FALSE(y.is_leaf());
  EXPECT_TRUE(y.requires_grad());
  expect_error<AutogradError>([&] { y.set_requires_grad(false); }, {"[set_requires_grad]", "leaf"});
  expect_error<DTypeError>([] { i64({2}).set_requires_grad(); }, {"[set_requires_grad]", "int64"});
  x.set_requires_grad(false);
  EXPECT_FALSE((x * 2).requires_grad());
}

TEST(Leaves, FormATrivialGraph) {
  const Tensor x = Tensor::full({}, 3).set_requires_grad();
  x.backward();
  EXPECT_EQ(x.grad().item<float>(), 1);
}

TEST(Detach, CutsTheGraphAndSharesStorage) {
  const Tensor x = leaf({2, 3});
  const Tensor y = (x * x).detach();
  EXPECT_FALSE(y.requires_grad());
  sum(y * x).backward();
  EXPECT_EQ(gradient_of(x), (Doubles{4, 9}));
  EXPECT_EQ(x.detach().storage(), x.storage());
}

TEST(Recording, IsOffUnderAGuardOnTheSameThread) {
  const Tensor x = leaf({2});
  {
    const NoGradGuard outer;
    EXPECT_FALSE(grad_enabled());
    EXPECT_FALSE((x * x).requires_grad());
    {
      const GradModeGuard inner(true);
      EXPECT_TRUE((x * x).requires_grad());
    }
    EXPECT_FALSE(grad_enabled());
    std::thread([] { EXPECT_TRUE(grad_enabled()); }).join();
  }
  EXPECT_TRUE(grad_enabled());
  EXPECT_TRUE((x * x).requires_grad());
}

// ---- Graph lifetime ----

TEST(Graph, RunsOnceUnlessRetained) {
  const Tensor x = leaf({2});
  const Tensor y = sum(x * x);
  y.backward({}, true);
  y.backward();
  EXPECT_EQ(gradient_of(x), (Doubles{8}));
  expect_error<AutogradError>([&] { y.backward(); }, {"retain_graph"});
  EXPECT_EQ(gradient_of(x), (Doubles{8}));
  EXPECT_TRUE(grad_enabled());
}

TEST(Graph, RejectsFreedSubgraphs) {
  const Tensor x = leaf({2});
  const Tensor shared = x * x;
  sum(shared).backward();
  const Tensor other = sum(shared * 2);
  expect_error<AutogradError>([&] { other.backward(); }, {"[mul]", "retain_graph"});
}

constexpr std::int64_t block = 4096;  // elements of float64, a distinct size class
std::size_t allocated_blocks(std::size_t since) {
  return (memory_stats("cpu").allocated - since) / (block * 8);
}

TEST(Graph, FreesSavedTensorsDuringBackward) {
  const std::size_t start = memory_stats("cpu").allocated;
  const Tensor x = ones({block}).set_requires_grad();
  Tensor y = x;
  for (int i = 0; i < 10; ++i) y = exp(y * 0.5);  // each exp saves its output
  EXPECT_GE(allocated_blocks(start), 11u);
  backend("cpu").allocator(0).reset_peak();
  const std::size_t before = memory_stats("cpu").allocated;
  y.backward(ones({block}));
  // Backward needs the gradients of two adjacent nodes at a time, plus one for their product.
  EXPECT_LE((memory_stats("cpu").peak_allocated - before) / (block * 8), 4u);
  EXPECT_EQ(allocated_blocks(start), 3u);  // x, its gradient, y
  y = Tensor();
  EXPECT_EQ(allocated_blocks(start), 2u);
}

TEST(Graph, FreesSavedTensorsWhenDropped) {
  const std::size_t start = memory_stats("cpu").allocated;
  const Tensor x = ones({block}).set_requires_grad();
  {
    const Tensor y = exp(relu(x) * x);
    EXPECT_GE(allocated_blocks(start), 3u);
  }
  EXPECT_EQ(allocated_blocks(start), 1u);
}

TEST(Graph, AnOutputThatSavesItselfIsNoCycle) {
  const std::size_t start = memory_stats("cpu").allocated;
  for (const auto op : {exp, sigmoid, tanh, sqrt, relu}) {
    const Tensor x = ones({block}).set_requires_grad();
    const Tensor y = op(x);
  }
  for (const auto op : {softmax, log_softmax}) {
    const Tensor x = ones({block}).set_requires_grad();
    const Tensor y = op(x, 0);
  }
  EXPECT_EQ(memory_stats("cpu").allocated, start);
}

TEST(Graph, WhenRetainedIsFreedWithItsTensors) {
  const std::size_t start = memory_stats("cpu").allocated;
  {
    const Tensor x = ones({block}).set_requires_grad();
    const Tensor y = sum(exp(x) * x);
    y.backward({}, true);
    y.backward({}, true);
    Tensor z = y;
    z.backward({}, false, true);
    // The gradient's graph reaches x, which holds the gradient.
    Tensor holder = x;
    holder.set_grad({});
  }
  EXPECT_EQ(memory_stats("cpu").allocated, start);
}

// ---- In-place modification ----

TEST(InPlace, RejectsAModifiedSavedTensor) {
  const Tensor x = leaf({1, 2});
  Tensor y = x * 2;
  const Tensor z = sum(y * y);
  {
    const NoGradGuard no_grad;
    y.mul_(3);
  }
  expect_error<AutogradError>([&] { z.backward(); }, {"changed in place", "float64 (2,)", "version"});
  EXPECT_TRUE(grad_enabled());
}

TEST(InPlace, DetectsModificationThroughAView) {
  const Tensor x = leaf({1, 2});
  const Tensor z = sum(x * x);
  x.detach().slice(0, 0, 1).fill_(5);
  expect_error<AutogradError>([&] { z.backward(); }, {"changed in place"});
}

TEST(InPlace, AllowsModifyingUnsavedTensors) {
  Tensor x = leaf({1, 2});
  const Tensor y = sum(x * 2);  // only the scale is saved
  {
    const NoGradGuard no_grad;
    x.add_(x, 1);
  }
  y.backward();
  EXPECT_EQ(gradient_of(x), (Doubles{2, 2}));
  const NoGradGuard no_grad;
  x.fill_(0);  // nothing is saved after backward
  EXPECT_EQ(x.to_vector<double>(), (Doubles{0, 0}));
}

TEST(InPlace, OnATensorInTheGraphRequiresAGuard) {
  Tensor x = leaf({1, 2});
  expect_error<AutogradError>([&] { x.fill_(0); }, {"[fill_]", "NoGradGuard"});
  Tensor y = x * 2;
  expect_error<AutogradError>([&] { y.mul_(2); }, {"[mul_]", "NoGradGuard"});
}

// ---- Depth ----

TEST(Depth, OfAChainOfOps) {
  constexpr int length = 200'000;
  const Tensor x = leaf({1});
  const auto chain = [&] {
    Tensor y = x;
    for (int i = 0; i < length; ++i) y = y + 1;
    return y;
  };
  { const Tensor unused = chain(); }
  chain().backward();
  EXPECT_EQ(gradient_of(x), (Doubles{1}));
  const Tensor y = chain();
  y.backward({}, true);
  y.backward();
  EXPECT_EQ(gradient_of(x), (Doubles{3}));
}

TEST(Depth, OfAChainThatSavesItsInputs) {
  constexpr int length = 200'000;
  const Tensor x = leaf({1}), one = leaf({1});
  const auto chain = [&] {
    Tensor y = x;
    for (int i = 0; i < length; ++i) y = y * one;
    return y;
  };
  { const Tensor unused = chain(); }
  chain().backward();
  EXPECT_EQ(gradient_of(x), (Doubles{1}));
  EXPECT_EQ(gradient_of(one), (Doubles{length}));
}

TEST(Depth, OfAChainOfDiamonds) {
  const Tensor x = leaf({1});
  Tensor y = x;
  for (int i = 0; i < 50'000; ++i) y = y * 0.5 + relu(y) * 0.5;
  sum(y).backward({}, true);
  EXPECT_EQ(gradient_of(x), (Doubles{1}));
}

// ---- Second order ----

TEST(SecondOrder, OfACube) {
  Tensor x = leaf({2, 3});
  const Tensor y = x * x * x;
  y.backward(ones({2}), false, true);
  const Tensor first = x.grad();
  EXPECT_EQ(first.to_vector<double>(), (Doubles{12, 27}));
  ASSERT_TRUE(first.requires_grad());
  x.set_grad({});
  sum(first).backward();
  EXPECT_EQ(gradient_of(x), (Doubles{12, 18}));
}

TEST(ThirdOrder, OfAFourthPower) {
  Tensor x = leaf({2});
  Tensor y = pow(x, 4);
  for (const double want : {32., 48., 48.}) {
    y.backward({}, false, true);
    y = x.grad();
    x.set_grad({});
    EXPECT_EQ(y.item<double>(), want);
  }
}

TEST(SecondOrder, RequiresCreateGraph) {
  const Tensor x = leaf({2});
  sum(x * x).backward();
  EXPECT_FALSE(x.grad().requires_grad());
}

// ---- Custom ops ----

Tensor doubled(const Tensor& x, Backward kind, std::function<Gradients(const Tensor&, GradMask)> backward) {
  Tensor y = affine(x.detach(), 2, 0);
  record("doubled", y, {&x}, kind, std::move(backward));
  return y;
}

TEST(Records, RejectDifferentiatingAFusedBackward) {
  const Tensor x = leaf({2, 3});
  const auto fused = [](const Tensor& g, GradMask) { return Gradients{affine(g.detach(), 2, 0)}; };
  sum(doubled(x, Backward::fused, fused)).backward({}, false, true);
  const Tensor first = x.grad();
  EXPECT_EQ(first.to_vector<double>(), (Doubles{2, 2}));
  expect_error<AutogradError>([&] { sum(first * x).backward(); }, {"[doubled]", "fused"});
}

TEST(Records, RequireAGradientForEachInput) {
  const Tensor x = leaf({2, 3});
  const auto none = [](const Tensor&, GradMask) { return Gradients{}; };
  expect_error<AutogradError>([&] { sum(doubled(x, Backward::fused, none)).backward(); },
                              {"[doubled]", "0 gradients for 1 inputs"});
}

TEST(Records, SkipInputsWithoutAGradient) {
  const Tensor x = leaf({2, 3}), constant = ones({2});
  bool asked[2] = {};
  Tensor y = x.detach() * constant;
  record("product", y, {&x, &constant}, Backward::fused, [&](const Tensor& g, GradMask needed) {
    asked[0] = needed[0];
    asked[1] = needed[1];
    return Gradients{g, g};
  });
  sum(y).backward();
  EXPECT_TRUE(asked[0]);
  EXPECT_FALSE(asked[1]);
  EXPECT_FALSE(constant.requires_grad());
}

TEST(Records, AFailingBackwardRestoresGradMode) {
  const Tensor x = leaf({2, 3});
  const auto failing = [](const Tensor&, GradMask) -> Gradients {
    fail<ValueError>("doubled", "on purpose");
  };
  const Tensor y = sum(doubled(x, Backward::fused, failing));
  expect_error<ValueError>([&] { y.backward(); }, {"on purpose"});
  EXPECT_TRUE(grad_enabled());
  EXPECT_FALSE(x.grad().defined());
  sum(x).backward();
  EXPECT_EQ(gradient_of(x), (Doubles{1, 1}));
}

// ---- Arguments ----

TEST(Arguments, OfBackward) {
  const Tensor x = leaf({1, 2});
  const Tensor y = x * 2;
  expect_error<ShapeError>([&] { y.backward(); }, {"[backward]", "(2,)"});
  expect_error<ShapeError>([&] { y.backward(ones({3})); }, {"[backward]", "(2,)", "(3,)"});
  expect_error<DTypeError>([&] { y.backward(Tensor::ones({2})); }, {"[backward]", "float64", "float32"});
  expect_error<AutogradError>([&] { ones({1}).backward(); }, {"[backward]"});
  y.backward(ones({2}));  // a rejected call frees nothing
  EXPECT_EQ(gradient_of(x), (Doubles{2, 2}));
}

TEST(Arguments, OfGradients) {
  Tensor x = leaf({1, 2});
  expect_error<ShapeError>([&] { x.set_grad(ones({3})); }, {"[set_grad]", "(2,)", "(3,)"});
  expect_error<AutogradError>([] { ones({2}).set_grad(ones({2})); }, {"[set_grad]"});
  expect_error<AutogradError>([] { ones({2}).retain_grad(); }, {"[retain_grad]"});
}

// ---- Threads ----

TEST(Threads, DifferentiateIndependentGraphs) {
  const auto work = [](double factor) {
    for (int i = 0; i < 50; ++i) {
      const Tensor x = leaf({1, 2, 3});
      Tensor y = x;
      for (int k = 0; k < 20; ++k) y = y * factor;
      sum(y).backward();
      const double want = std::pow(factor, 20);
      ASSERT_EQ(gradient_of(x), (Doubles{want, want, want}));
    }
  };
  std::thread other(work, 2.0);
  work(0.5);
  other.join();
}

}  // namespace
}  // namespace metron::test
