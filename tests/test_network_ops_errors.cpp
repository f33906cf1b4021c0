// Matrix products, layer ops, losses and random tensors reject invalid input with the right error type and
// message.
#include <metron/core/ops.h>
#include <metron/layers/layers.h>

#include <string>

#include "expect_error.h"

namespace metron::test {
namespace {

TEST(NetworkOpsErrors, MatmulRejectsMismatchedInnerSizes) {
  expect_error<ShapeError>([] { matmul(f32({2, 3}), f32({2, 3})); }, {"[matmul]", "inner sizes", "(2, 3)"});
  expect_error<ShapeError>([] { matmul(f32({3}), f32({2})); }, {"[matmul]", "(3,)", "(2,)"});
  expect_error<ShapeError>([] { matmul(f32({2, 3}), f32({2})); }, {"[matmul]", "(2, 3)", "(2,)"});
  expect_error<ShapeError>([] { matmul(f32({}), f32({2})); }, {"[matmul]", "vectors", "()"});
  expect_error<ShapeError>([] { matmul(f32({2, 4, 3}), f32({3, 3, 4})); }, {"[matmul]", "(2,)", "(3,)"});
  expect_error<DTypeError>([] { matmul(f32({2, 2}), f64({2, 2})); }, {"[matmul]", "float32", "float64"});
  expect_error<DTypeError>([] { matmul(i64({2, 2}), i64({2, 2})); }, {"[matmul]", "floating", "int64"});
  expect_error<ValueError>([] { matmul(f32({2, 2}), Tensor()); }, {"[matmul]", "undefined tensor"});

  expect_error<ShapeError>(
      [] {
        linear(f32({2, 3}), f32({4, 5}));
      },
      {"[linear]", "(4, 5)", "5 input", "(2, 3)"});
  expect_error<ShapeError>([] { linear(f32({}), f32({4, 5})); }, {"[linear]", "x ()"});
  expect_error<ShapeError>([] { linear(f32({5}), f32({5})); }, {"[linear]", "(O, I)", "(5,)"});
  expect_error<ShapeError>(
      [] {
        linear(f32({2, 5}), f32({4, 5}), f32({5}));
      },
      {"[linear]", "bias", "(4,)", "(5,)"});
  expect_error<DTypeError>([] { linear(f32({2, 5}), f32({4, 5}), f64({4})); }, {"[linear]", "float64"});
  expect_error<DTypeError>([] { linear(i64({2, 5}), i64({4, 5})); }, {"[linear]", "floating", "int64"});
  expect_error<ValueError>([] { linear(f32({2, 5}), Tensor()); }, {"[linear]", "undefined tensor"});
}

TEST(NetworkOpsErrors, ConvolutionRejectsMismatchedShapes) {
  const Tensor x = f32({8, 1, 28, 28}), w = f32({32, 1, 3, 3});
  expect_error<ShapeError>(
      [&] {
        conv2d(x, f32({32, 3, 3, 3}));
      },
      {"[conv2d]", "weight (32, 3, 3, 3) expects 3 input channels per group", "x (8, 1, 28, 28)"});
  expect_error<ShapeError>([&] { conv2d(f32({1, 28, 28}), w); }, {"[conv2d]", "(N, C, H, W)", "(1, 28, 28)"});
  expect_error<ShapeError>(
      [&] {
        conv2d(x, f32({32, 1, 3}));
      },
      {"[conv2d]", "(O, C / groups, KH, KW)", "(32, 1, 3)"});
  expect_error<ShapeError>([&] { conv2d(x, w, f32({1})); }, {"[conv2d]", "bias", "(32,)", "(1,)"});
  expect_error<ShapeError>(
      [&] {
        conv2d(f32({1, 1, 2, 9}), w);
      },
      {"[conv2d]", "padded input", "(1, 1, 2, 9)"});
  expect_error<ShapeError>([&] { conv2d(x, f32({32, 1, 0, 3})); }, {"[conv2d]", "kernel", "(32, 1, 0, 3)"});
  expect_error<ShapeError>(
      [&] {
        conv2d(f32({1, 3, 5, 5}), f32({4, 1, 3, 3}), {}, {.groups = 2});
      },
      {"[conv2d]", "2 groups", "(1, 3, 5, 5)"});
  expect_error<ShapeError>(
      [&] {
        conv2d(f32({1, 2, 5, 5}), f32({3, 1, 3, 3}), {}, {.groups = 2});
      },
      {"[conv2d]", "2 groups", "(3, 1, 3, 3)"});
  expect_error<ValueError>([&] { conv2d(x, w, {}, {.stride = 0}); }, {"[conv2d]", "strides", "0"});
  expect_error<ValueError>([&] { conv2d(x, w, {}, {.padding = -1}); }, {"[conv2d]", "paddings", "-1"});
  expect_error<ValueError>(
      [&] {
        conv2d(x, w, {}, {.dilation = {1, 0}});
      },
      {"[conv2d]", "dilations", "1 and 0"});
  expect_error<ValueError>([&] { conv2d(x, w, {}, {.groups = 0}); }, {"[conv2d]", "groups", "0"});
  expect_error<ValueError>([&] { conv2d(x, w, {}, {.padding = std::int64_t{1} << 62}); },
                           {"[conv2d]", "paddings"});
  expect_error<DTypeError>([&] { conv2d(x, f64({32, 1, 3, 3})); }, {"[conv2d]", "float32", "float64"});
  expect_error<DTypeError>(
      [&] {
        conv2d(i64({1, 1, 3, 3}), i64({1, 1, 3, 3}));
      },
      {"[conv2d]", "floating", "int64"});
  expect_error<ValueError>([&] { conv2d(x, Tensor()); }, {"[conv2d]", "undefined tensor"});
}

TEST(NetworkOpsErrors, PoolingRejectsInvalidWindows) {
  struct Op {
    const char* name;
    Tensor (*call)(const Tensor&, const Pool2dOptions&);
  };
  for (const Op& op : {Op{"[max_pool2d]", max_pool2d}, Op{"[avg_pool2d]", avg_pool2d}}) {
    const Tensor x = f32({2, 3, 5, 5});
    expect_error<ShapeError>(
        [&] {
          op.call(f32({2, 3, 0, 5}), {});
        },
        {op.name, "at least 1", "(2, 3, 0, 5)"});
    expect_error<ShapeError>([&] { op.call(x, {.kernel = 6}); }, {op.name, "6 by 6", "(2, 3, 5, 5)"});
    expect_error<ValueError>([&] { op.call(x, {.kernel = 0}); }, {op.name, "kernel", "0"});
    expect_error<ValueError>([&] { op.call(x, {.kernel = 2, .stride = -1}); }, {op.name, "strides", "-1"});
    expect_error<ValueError>(
        [&] {
          op.call(x, {.kernel = 2, .stride = {0, 1}});
        },
        {op.name, "strides", "0 and 1"});
    expect_error<ValueError>([&] { op.call(x, {.kernel = 2, .padding = 2}); },
                             {op.name, "half the kernel", "2"});
    expect_error<ValueError>([&] { op.call(x, {.kernel = 2, .padding = -1}); }, {op.name, "paddings", "-1"});
    expect_error<DTypeError>([&] { op.call(i64({1, 1, 4, 4}), {}); }, {op.name, "floating", "int64"});
    expect_error<ValueError>([&] { op.call(Tensor(), {}); }, {op.name, "undefined tensor"});
  }
}

TEST(NetworkOpsErrors, BatchNormRequiresChannelsAndStatistics) {
  const Tensor x = f32({4, 3, 2, 2}), c = f32({3}), v = f32({3});
  const auto norm = [](const Tensor& input, const Tensor& w, const Tensor& b, const Tensor& mean,
                       const Tensor& variance,
                       bool training) { return batch_norm(input, w, b, mean, variance, training); };
  expect_error<ShapeError>([&] { norm(f32({3}), {}, {}, {}, {}, true); },
                           {"[batch_norm]", "(N, C, ...)", "(3,)"});
  expect_error<ShapeError>([&] { norm(x, f32({4}), f32({4}), {}, {}, true); },
                           {"[batch_norm]", "(3,)", "(4,)"});
  expect_error<ShapeError>([&] { norm(x, c, {}, {}, {}, true); },
                           {"[batch_norm]", "weight and bias", "undefined tensor"});
  expect_error<ShapeError>([&] { norm(x, c, c, f32({2}), v, true); }, {"[batch_norm]", "running", "(2,)"});
  expect_error<ShapeError>([&] { norm(x, c, c, c, {}, true); },
                           {"[batch_norm]", "running", "undefined tensor"});
  expect_error<ValueError>([&] { norm(x, c, c, {}, {}, false); },
                           {"[batch_norm]", "evaluation", "undefined tensor"});
  expect_error<ValueError>(
      [&] {
        norm(f32({1, 3}), c, c, c, v, true);
      },
      {"[batch_norm]", "more than one value per channel", "(1, 3)"});
  expect_error<ValueError>([&] { batch_norm(x, c, c, c, v, true, 0.1, -1); }, {"[batch_norm]", "eps", "-1"});
  for (const double eps : {nan, infinity, -1e-300}) {
    expect_error<ValueError>([&] { batch_norm(x, c, c, c, v, true, 0.1, eps); }, {"[batch_norm]", "eps"});
    expect_error<ValueError>([&] { layer_norm(x, {2}, {}, {}, eps); }, {"[layer_norm]", "eps"});
    expect_error<ValueError>([&] { group_norm(x, 3, c, c, eps); }, {"[group_norm]", "eps"});
    expect_error<ValueError>([&] { BatchNorm2d(3, eps); }, {"[BatchNorm2d]", "eps"});
    expect_error<ValueError>([&] { LayerNorm({3}, eps); }, {"[LayerNorm]", "eps"});
  }
  for (const double momentum : {5., -0.1, nan}) {
    expect_error<ValueError>([&] { batch_norm(x, c, c, c, v, true, momentum); },
                             {"[batch_norm]", "momentum", "[0, 1]"});
    expect_error<ValueError>([&] { BatchNorm2d(3, 1e-5, momentum); }, {"[BatchNorm2d]", "momentum"});
  }
  expect_error<DTypeError>([&] { norm(x, c, c, f64({3}), f64({3}), true); }, {"[batch_norm]", "float64"});
  expect_error<DTypeError>(
      [&] {
        norm(i64({4, 3}), {}, {}, {}, {}, true);
      },
      {"[batch_norm]", "floating", "int64"});
  expect_error<ValueError>([&] { norm(Tensor(), {}, {}, {}, {}, true); },
                           {"[batch_norm]", "undefined tensor"});
}

TEST(NetworkOpsErrors, DropoutRejectsAnInvalidProbability) {
  struct Op {
    const char* name;
    Tensor (*call)(const Tensor&, double, bool);
  };
  for (const Op& op : {Op{"[dropout]", dropout}, Op{"[dropout2d]", dropout2d}}) {
    for (const bool training : {true, false}) {
      expect_error<ValueError>([&] { op.call(f32({2, 3}), 2, training); }, {op.name, "between 0 and 1", "2"});
      expect_error<ValueError>([&] { op.call(f32({2, 3}), -0.5, training); }, {op.name, "-0.5"});
      expect_error<ValueError>([&] { op.call(f32({2, 3}), nan, training); }, {op.name, "nan"});
    }
    expect_error<DTypeError>([&] { op.call(i64({2, 3}), 0.5, true); }, {op.name, "floating", "int64"});
    expect_error<ValueError>([&] { op.call(Tensor(), 0.5, true); }, {op.name, "undefined tensor"});
  }
  expect_error<ShapeError>([] { dropout2d(f32({2, 3, 4}), 0.5); }, {"[dropout2d]", "(N, C)", "(2, 3, 4)"});
}

TEST(NetworkOpsErrors, SoftmaxAndLosses) {
  expect_error<ShapeError>([] { softmax(f32({2, 3}), 2); }, {"[softmax]", "axis 2"});
  expect_error<ShapeError>([] { log_softmax(f32({}), 0); }, {"[log_softmax]", "axis 0", "rank 0"});
  expect_error<DTypeError>([] { softmax(i64({2, 3}), 1); }, {"[softmax]", "floating", "int64"});
  expect_error<ValueError>([] { log_softmax(Tensor(), 1); }, {"[log_softmax]", "undefined tensor"});

  struct Op {
    const char* name;
    Tensor (*call)(const Tensor&, const Tensor&, Reduction);
  };
  for (const Op& op : {Op{"[nll_loss]", nll_loss}, Op{"[cross_entropy]", cross_entropy}}) {
    const auto call = [&](const Tensor& x, const Tensor& target) {
      return op.call(x, target, Reduction::mean);
    };
    expect_error<ShapeError>([&] { call(f32({2, 3}), i64({3})); }, {op.name, "(2, 3)", "(3,)"});
    expect_error<ShapeError>([&] { call(f32({3}), i64({3})); }, {op.name, "(N, C)", "(3,)"});
    expect_error<ShapeError>([&] { call(f32({2, 3}), i64({2, 1})); }, {op.name, "(2, 1)"});
    expect_error<DTypeError>([&] { call(f32({2, 3}), f32({2})); }, {op.name, "int64", "float32"});
    expect_error<DTypeError>([&] { call(i64({2, 3}), i64({2})); }, {op.name, "floating", "int64"});
    expect_error<ValueError>([&] { call(f32({2, 3}), Tensor()); }, {op.name, "undefined tensor"});
    for (const std::int64_t label : {-1, 3}) {
      expect_error<ValueError>(
          [&] {
            call(f32({2, 3}), Tensor::full({2}, static_cast<double>(label), {DType::int64}));
          },
          {op.name, std::to_string(label)});
    }
  }
}

TEST(NetworkOpsErrors, RandomTensorsRejectNegativeSizes) {
  expect_error<ShapeError>([] { rand_normal({-1}); }, {"negative", "(-1,)"});
}

}  // namespace
}  // namespace metron::test
