// Empty and one-element tensors, equal elements and NaN, in ops and their gradients, on every device.
#include <metron/core/ops.h>
#include <metron/layers/layers.h>
#include <metron/layers/optim.h>

#include <cmath>
#include <functional>

#include "expect_error.h"
#include "op_case_runner.h"

namespace metron::test {
namespace {

using Floats = std::vector<float>;

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

class Degenerate : public testing::TestWithParam<Device> {
 protected:
  Tensor leaf(const Floats& values, const Shape& shape) const {
    return Tensor::from(values, shape).to(GetParam()).set_requires_grad();
  }
  Tensor leaf(const Floats& values) const { return leaf(values, {static_cast<std::int64_t>(values.size())}); }
  Tensor full(const Shape& shape, double value = 1) const {
    return Tensor::full(shape, value, {DType::float32, GetParam()}).set_requires_grad();
  }
  Tensor indices(const Shape& shape) const { return Tensor::zeros(shape, {DType::int64, GetParam()}); }
};

Floats numbers(const Tensor& x) { return x.to(Device()).to_vector<float>(); }

// Equal, where NaN equals NaN.
void expect_equal(const Tensor& got, const Floats& want) {
  const Floats values = numbers(got);
  ASSERT_EQ(values.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i)
    EXPECT_TRUE(std::isnan(want[i]) ? std::isnan(values[i]) : values[i] == want[i])
        << "element " << i << " is " << values[i] << " instead of " << want[i];
}

// ---- NaN, as in PyTorch ----

TEST_P(Degenerate, MaximumAndMinimumPassTheGradientToBothOperandsNextToANan) {
  for (const auto op : {maximum, minimum}) {
    const Tensor a = leaf({not_a_number, 1, not_a_number, 2, 2}),
                 b = leaf({1, not_a_number, not_a_number, 2, 1});
    op(a, b).backward(Tensor::ones({5}, a.options()));
    const float first = op == static_cast<Tensor (*)(const Tensor&, const Tensor&)>(maximum) ? 1 : 0;
    expect_equal(a.grad(), {1, 1, 1, 0.5, first});
    expect_equal(b.grad(), {1, 1, 1, 0.5, 1 - first});
  }
}

TEST_P(Degenerate, AnInfiniteGradientReachesOnlyTheSelectedOperand) {
  const Tensor a = leaf({3}), b = leaf({2}), x = leaf({1, 4});
  const Tensor g = full({1}, HUGE_VAL).detach();
  maximum(a, b).backward(g);
  expect_equal(b.grad(), {0});
  max(x, {0}, true).backward(g);
  expect_equal(x.grad(), {0, HUGE_VALF});
}

TEST_P(Degenerate, MaxPassesTheGradientToTheNans) {
  const Tensor x = leaf({1, not_a_number, 3});
  max(x).backward();
  expect_equal(x.grad(), {0, 1, 0});
  const Tensor many = leaf({not_a_number, not_a_number, 3, 1, 2, 2}, {2, 3});
  max(many, {1}).backward(Tensor::ones({2}, many.options()));
  expect_equal(many.grad(), {0.5, 0.5, 0, 0, 0.5, 0.5});
  const Tensor column = leaf({1, not_a_number, not_a_number, 2}, {2, 2});
  max(column, {0}, true).backward(Tensor::ones({1, 2}, column.options()));
  expect_equal(column.grad(), {0, 1, 1, 0});
}

TEST_P(Degenerate, ClampKeepsNanAndGivesItNoGradient) {
  const Tensor x = leaf({not_a_number, 2, 0.5, -2});
  const Tensor y = clamp(x, -1, 1);
  expect_equal(y, {not_a_number, 1, 0.5, -1});
  y.backward(Tensor::ones({4}, x.options()));
  expect_equal(x.grad(), {0, 0, 1, 0});
}

TEST_P(Degenerate, MaxPoolPassesTheGradientToTheLastNan) {
  for (const MemoryFormat format : {MemoryFormat::contiguous, MemoryFormat::channels_last}) {
    const Tensor x =
        leaf({not_a_number, 1, not_a_number, not_a_number, 2, not_a_number, 3, not_a_number}, {1, 1, 2, 4});
    const Tensor y = max_pool2d(x.to(format), {.kernel = 2});
    expect_equal(y, {not_a_number, not_a_number});
    y.backward(Tensor::ones(y.shape(), y.options()));
    expect_equal(x.grad(), {0, 0, 0, 0, 0, 1, 0, 1});
  }
}

TEST_P(Degenerate, EqualElementsShareTheGradient) {
  const Tensor x = full({1000}, 7);
  max(x).backward();
  expect_equal(x.grad(), Floats(1000, 1.0f / 1000));
  const Tensor pooled = full({1, 1, 4, 4}, -3);
  sum(max_pool2d(pooled, {.kernel = 4})).backward();
  Floats first(16, 0);
  first[0] = 1;
  expect_equal(pooled.grad(), first);
  if (GetParam().is_cpu()) return;  // which computes no 16-bit numbers
  const Tensor half = full({100'000}, 7).detach().to(DType::float16).set_requires_grad();
  max(half).backward();  // float16 doesn't hold the count
  for (const float g : numbers(half.grad().to(DType::float32))) ASSERT_NEAR(g, 1e-5, 1e-6);
}

// ---- Empty ----

TEST_P(Degenerate, AnEmptyBatchLeavesParametersAlone) {
  if (!GetParam().is_cpu()) return;
  BatchNorm2d norm(2);
  SGD optimizer(norm.parameters(), {.lr = 0.1});
  sum(norm(Tensor::zeros({0, 2, 3, 3}))).backward();
  optimizer.step();
  expect_equal(norm.weight, {1, 1});
  expect_equal(norm.bias, {0, 0});
  expect_equal(norm.running_mean, {0, 0});
  expect_equal(norm.running_var, {1, 1});
}

// Every parameter of an op without samples has the gradient 0, every result and gradient the right shape.
TEST_P(Degenerate, TheGradientOfNoSamplesIsZero) {
  const Tensor none;
  const auto check = [&](const char* what, std::vector<Tensor> inputs,
                         const std::function<Tensor(Tensors)>& call) {
    SCOPED_TRACE(what);
    const Tensor y = call(inputs);
    y.backward(Tensor::ones(y.shape(), y.options()));
    for (const Tensor& x : inputs) {
      ASSERT_TRUE(x.grad().defined());
      EXPECT_EQ(x.grad().shape(), x.shape());
      expect_equal(x.grad(), Floats(static_cast<std::size_t>(x.numel()), 0));
    }
  };
  for (const Shape& shape :
       {Shape{0, 2, 3, 3}, Shape{0, 2}, Shape{3, 2, 0}, Shape{3, 2, 0, 4}, Shape{0, 2, 0}}) {
    for (const bool training : {true, false}) {
      Tensor mean = full({2}, 0).detach(), variance = full({2}).detach();
      check("batch_norm", {full(shape), full({2}), full({2})},
            [&](Tensors x) { return batch_norm(x[0], x[1], x[2], mean, variance, training); });
      expect_equal(mean, {0, 0});
      expect_equal(variance, {1, 1});
    }
    check("batch_norm without parameters", {full(shape)},
          [&](Tensors x) { return batch_norm(x[0], none, none, none, none, true); });
    check("group_norm", {full(shape), full({2}), full({2})},
          [](Tensors x) { return group_norm(x[0], 2, x[1], x[2]); });
    check("group_norm of one group", {full(shape), full({2}), full({2})},
          [](Tensors x) { return group_norm(x[0], 1, x[1], x[2]); });
  }
  check("layer_norm", {full({0, 5}), full({5}), full({5})},
        [](Tensors x) { return layer_norm(x[0], {5}, x[1], x[2]); });
  check("layer_norm of no columns", {full({5, 0}), full({0}), full({0})},
        [](Tensors x) { return layer_norm(x[0], {0}, x[1], x[2]); });
  check("linear", {full({0, 5}), full({3, 5}), full({3})},
        [](Tensors x) { return linear(x[0], x[1], x[2]); });
  check("linear with ReLU", {full({0, 5}), full({3, 5}), full({3})},
        [](Tensors x) { return linear(x[0], x[1], x[2], Activation::relu); });
  check("matmul", {full({0, 5}), full({5, 3})}, [](Tensors x) { return matmul(x[0], x[1]); });
  check("matmul of an empty batch", {full({0, 2, 5}), full({5, 3})},
        [](Tensors x) { return matmul(x[0], x[1]); });
  check("matmul with no inner size", {full({2, 0}), full({0, 3})},
        [](Tensors x) { return matmul(x[0], x[1]); });
  check("conv2d", {full({0, 2, 5, 5}), full({3, 2, 3, 3}), full({3})},
        [](Tensors x) { return conv2d(x[0], x[1], x[2], {.padding = 1}); });
  check("conv2d of groups", {full({0, 4, 5, 5}), full({4, 1, 3, 3}), full({4})},
        [](Tensors x) { return conv2d(x[0], x[1], x[2], {.stride = 2, .groups = 4}); });
  check("max_pool2d", {full({0, 2, 4, 4})}, [](Tensors x) { return max_pool2d(x[0], {}); });
  check("avg_pool2d", {full({0, 2, 4, 4})}, [](Tensors x) { return avg_pool2d(x[0], {}); });
  check("embedding", {full({4, 3})}, [&](Tensors x) { return embedding(x[0], indices({0})); });
  check("embedding of no features", {full({4, 0})}, [&](Tensors x) { return embedding(x[0], indices({2})); });
  check("broadcast add", {full({0, 3}), full({3}), full({})}, [](Tensors x) { return x[0] + x[1] + x[2]; });
  check("broadcast div", {full({0, 3}), full({3})}, [](Tensors x) { return x[0] / x[1]; });
  check("broadcast maximum", {full({0, 3}), full({3})}, [](Tensors x) { return maximum(x[0], x[1]); });
  check("max of no rows", {full({0, 3})}, [](Tensors x) { return max(x[0], {1}); });
  check("mean of no rows", {full({0, 3})}, [](Tensors x) { return mean(x[0], {1}); });
  check("sum", {full({0, 3})}, [](Tensors x) { return sum(x[0]); });
  check("mean", {full({0, 3})}, [](Tensors x) { return mean(x[0]); });
  check("softmax", {full({0, 3})}, [](Tensors x) { return softmax(x[0], 1); });
  check("softmax of no elements", {full({3, 0})}, [](Tensors x) { return softmax(x[0], 1); });
  check("log_softmax", {full({0, 3})}, [](Tensors x) { return log_softmax(x[0], 0); });
  for (const Reduction reduction : {Reduction::none, Reduction::mean, Reduction::sum}) {
    check("cross_entropy", {full({0, 3})},
          [&](Tensors x) { return cross_entropy(x[0], indices({0}), reduction); });
    check("nll_loss", {full({0, 3})}, [&](Tensors x) { return nll_loss(x[0], indices({0}), reduction); });
    check("mse_loss", {full({0, 3})}, [&](Tensors x) {
      return mse_loss(x[0], full({0, 3}).detach(), reduction);
    });
  }
  check("dropout", {full({0, 3})}, [](Tensors x) { return dropout(x[0], 0.5); });
  check("dropout2d", {full({2, 3, 0, 4})}, [](Tensors x) { return dropout2d(x[0], 0.5); });
  check("where", {full({0, 3}), full({3})}, [&](Tensors x) { return where(eq(x[0], x[0]), x[0], x[1]); });
  check("cat", {full({0, 3}), full({0, 3})}, [](Tensors x) { return cat(x, 0); });
  check("x / 3", {full({0, 3})}, [](Tensors x) { return x[0] / 3; });
  check("3 / x", {full({0, 3})}, [](Tensors x) { return 3 / x[0]; });
}

TEST_P(Degenerate, OneElementBatches) {
  const Tensor none;
  Tensor x = full({1, 3}, 2), w = full({3}), b = full({3});
  sum(layer_norm(x, {3}, w, b)).backward();
  expect_equal(x.grad(), {0, 0, 0});
  expect_equal(w.grad(), {0, 0, 0});
  Tensor one = full({1, 1}, 5), w1 = full({1}), b1 = full({1}, 3);
  const Tensor y = layer_norm(one, {1}, w1, b1);
  expect_equal(y, {3});
  sum(y).backward();
  expect_equal(one.grad(), {0});
  Tensor grouped = full({1, 2}, 4);
  sum(group_norm(grouped, 2)).backward();
  expect_equal(grouped.grad(), {0, 0});
  expect_error<ValueError>(
      [&] {
        batch_norm(full({1, 2}), none, none, none, none, true);
      },
      {"[batch_norm]", "more than one value"});
  Tensor pair = full({2, 2}, 4);  // all equal: no variance
  const Tensor normal = batch_norm(pair, none, none, none, none, true);
  expect_equal(normal, {0, 0, 0, 0});
  sum(normal).backward();
  expect_equal(pair.grad(), {0, 0, 0, 0});
  Tensor logits = full({1, 1}, 9);
  const Tensor loss = cross_entropy(logits, indices({1}));
  expect_equal(loss, {0});
  loss.backward();
  expect_equal(logits.grad(), {0});
}

// ---- Division by a number ----

TEST_P(Degenerate, DivisionByANumberIsRoundedOnce) {
  for (int s = 1; s <= 1000; ++s) {
    ASSERT_EQ(numbers(full({1}, s).detach() / double(s))[0], 1) << s;
    ASSERT_EQ(numbers(double(s) / full({1}, s).detach())[0], 1) << s;
  }
  Floats bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<float>(i));
  const Tensor x = leaf(bytes);
  expect_equal(x / 255, numbers(x / full({}, 255)));
  expect_equal(255 / x, numbers(full({}, 255) / x));
  expect_equal(full({1}, 0) / 1e-40, {0});
  EXPECT_NEAR(numbers(leaf({3e-39f}) / 1e-39)[0], 3, 1e-5);
  expect_equal(leaf({1, 0, -1}) / 0., {HUGE_VALF, not_a_number, -HUGE_VALF});
  Tensor y = x.detach().clone();
  y.div_(255);
  expect_equal(y, numbers(x / full({}, 255)));
  (x / 41).backward(full({256}, 41).detach());
  expect_equal(x.grad(), Floats(256, 1));
  const Tensor z = leaf({1e20f, 1e-20f, 3});
  (1 / z).backward(leaf({1e15f, 1e-20f, 9}).detach());  // z^2 overflows, or vanishes
  EXPECT_FLOAT_EQ(numbers(z.grad())[0], -1e-25f);
  EXPECT_FLOAT_EQ(numbers(z.grad())[1], -1e20f);
  EXPECT_FLOAT_EQ(numbers(z.grad())[2], -1);
}

TEST_P(Degenerate, IntegersAreNotDivided) {
  const Tensor x = indices({2});
  expect_error<DTypeError>([&] { x / 2; }, {"[div]", "floating", "int64"});
  expect_error<DTypeError>([&] { 2 / x; }, {"[div]", "floating", "int64"});
  expect_error<DTypeError>([&] { x / x; }, {"[div]", "floating", "int64"});
  expect_error<DTypeError>([&] { x.detach().div_(2); }, {"[div_]", "floating", "int64"});
  expect_error<ValueError>([&] { x * 0.5; }, {"[affine]", "int64", "0.5"});
}

TEST_P(Degenerate, IntegersAreClampedToBoundsThatHoldOne) {
  const Tensor x = Tensor::from(std::vector<std::int64_t>{-3, 0, 1, 9}, {4}).to(GetParam());
  const auto clamped = [&](double low, double high) {
    return clamp(x, low, high).to(Device()).to_vector<std::int64_t>();
  };
  EXPECT_EQ(clamped(-1.5, 2.5), (std::vector<std::int64_t>{-1, 0, 1, 2}));
  EXPECT_EQ(clamped(-HUGE_VAL, HUGE_VAL), (std::vector<std::int64_t>{-3, 0, 1, 9}));
  EXPECT_EQ(clamped(1, 1), (std::vector<std::int64_t>{1, 1, 1, 1}));
  for (const auto& [low, high] : {std::pair(0.2, 0.8), std::pair(1e19, 1e30), std::pair(-1e30, -1e19)})
    expect_error<ValueError>([&, a = low, b = high] { clamp(x, a, b); }, {"[clamp]", "int64", "bounds"});
}

// ---- Rounding to 16 bits ----

TEST_P(Degenerate, SixteenBitsAreRoundedOnce) {
  // Just beyond the middle between two numbers, by less than float32 resolves; then below it.
  const std::vector<double> x{1 + 0x1p-11 + 0x1p-40,
                              1 + 0x3p-11 - 0x1p-40,
                              -1 - 0x1p-11 - 0x1p-40,
                              0x1p-25 + 0x1p-60,
                              65520 - 0x1p-20,
                              65520,
                              1 + 0x1p-8 + 0x1p-40,
                              1e-300,
                              -1e300};
  const Tensor given = Tensor::from(x, {std::ssize(x)}).to(GetParam());
  expect_equal(
      given.to(DType::float16).to(DType::float32),
      {1 + 0x1p-10f, 1 + 0x1p-10f, -1 - 0x1p-10f, 0x1p-24f, 65504, HUGE_VALF, 1 + 0x1p-8f, 0, -HUGE_VALF});
  expect_equal(given.slice(0, 6, 9).to(DType::bfloat16).to(DType::float32), {1 + 0x1p-7f, 0, -HUGE_VALF});
  const Tensor filled = Tensor::full({1}, 1 + 0x1p-11 + 0x1p-40, {DType::float16, GetParam()});
  expect_equal(filled.to(DType::float32), {1 + 0x1p-10f});
  // An integer beyond 53 bits next to the middle between two bfloat16 numbers, and one beyond 24 bits.
  const Tensor integers =
      Tensor::from(std::vector<std::int64_t>{(std::int64_t{0x101} << 54) + 1, (1 << 30) + (1 << 22) + 1, -1},
                   {3})
          .to(GetParam());
  expect_equal(integers.to(DType::bfloat16).to(DType::float32), {0x1.02p62f, 0x1.02p30f, -1});
}

INSTANTIATE_TEST_SUITE_P(, Degenerate, testing::ValuesIn(devices()), [](const auto& suite) {
  return suite.param.is_cpu() ? std::string("cpu") : std::string("cuda");
});

}  // namespace
}  // namespace metron::test
