// Modules: names, state and modes. Layers against the ops they wrap.
#include <gtest/gtest.h>
#include <metron/core/autograd.h>
#include <metron/core/io/safetensors.h>
#include <metron/core/ops.h>
#include <metron/core/profiler/profiler.h>
#include <metron/layers/layers.h>
#include <metron/layers/loss.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "temporary_folder.h"

namespace metron {
namespace {

using Floats = std::vector<float>;
using Names = std::vector<std::string>;

static_assert(!std::is_copy_constructible_v<Conv2d> && !std::is_copy_assignable_v<Sequential>);
static_assert(std::is_nothrow_move_constructible_v<Conv2d> && std::is_move_assignable_v<Sequential>);

// The reference model, with fused convolution and ReLU.
struct MnistCnn : Module {
  Conv2d conv1{1, 32, 3};
  Conv2d conv2{32, 64, 3};
  Dropout2d dropout1{0.25};
  Linear fc1{9216, 128};
  Dropout dropout2{0.5};
  Linear fc2{128, 10};
  void members(MemberVisitor& visit) override {
    visit.module("conv1", conv1);
    visit.module("conv2", conv2);
    visit.module("dropout1", dropout1);
    visit.module("fc1", fc1);
    visit.module("dropout2", dropout2);
    visit.module("fc2", fc2);
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = conv2(conv1(x, Activation::relu), Activation::relu);
    y = flatten(dropout1(max_pool2d(y, {.kernel = 2})), 1);
    return log_softmax(fc2(dropout2(fc1(y, Activation::relu))), 1);
  }
};

Names names_of(const std::vector<NamedTensor>& tensors) {
  Names names;
  for (const NamedTensor& entry : tensors) names.push_back(entry.name);
  return names;
}

Floats floats(const Tensor& tensor) { return tensor.to_vector<float>(); }

TEST(Module, NamesItsParametersAsPyTorchDoes) {
  MnistCnn net;
  const std::vector<NamedTensor> reference =
      load_safetensors(METRON_SOURCE_DIR "/tests/reference/mnist_init.safetensors");
  const std::vector<NamedTensor> own = net.named_parameters();
  EXPECT_EQ(names_of(own), names_of(reference));
  for (std::size_t i = 0; i < own.size(); ++i) {
    EXPECT_EQ(own[i].tensor.shape(), reference[i].tensor.shape()) << own[i].name;
    EXPECT_TRUE(own[i].tensor.requires_grad() && own[i].tensor.is_leaf()) << own[i].name;
  }
  EXPECT_EQ(net.parameter_count(), 1199882);
  EXPECT_TRUE(net.named_buffers().empty());
}

TEST(Module, SavesAndLoadsItsState) {
  const TemporaryFolder folder;
  Sequential net{Conv2d(2, 3, 3), BatchNorm2d(3), Flatten(), Linear(3, 2)};
  net(rand_normal({4, 2, 3, 3}));  // updates the running statistics
  const Names names{
      "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked",
      "3.weight", "3.bias"};
  EXPECT_EQ(names_of(net.state()), names);
  EXPECT_EQ(names_of(net.named_buffers()),
            (Names{"1.running_mean", "1.running_var", "1.num_batches_tracked"}));
  save_safetensors(folder / "net", net.state());

  Sequential other{Conv2d(2, 3, 3), BatchNorm2d(3), Flatten(), Linear(3, 2)};
  other.load_state(load_safetensors(folder / "net"));
  const std::vector<NamedTensor> a = net.state(), b = other.state();
  for (std::size_t i = 0; i < a.size(); ++i) {
    visit_any_dtype(a[i].tensor.dtype(), [&]<typename T>() {
      EXPECT_EQ(a[i].tensor.to_vector<T>(), b[i].tensor.to_vector<T>()) << a[i].name;
    });
    EXPECT_FALSE(a[i].tensor.storage() == b[i].tensor.storage()) << a[i].name;
  }
  for (const Tensor& parameter : other.parameters())
    EXPECT_TRUE(parameter.requires_grad() && parameter.is_leaf());
}

TEST(Module, LoadsStateAtomically) {
  Sequential net{Linear(3, 2), Linear(2, 1)};
  std::vector<Floats> before;
  for (const Tensor& parameter : net.parameters()) before.push_back(floats(parameter));
  std::vector<NamedTensor> good;
  for (const NamedTensor& entry : net.state())
    good.push_back({entry.name, Tensor::ones(entry.tensor.shape())});

  auto missing = good;
  missing.pop_back();
  auto renamed = good;
  renamed.back().name = "1.biass";
  auto doubled = good;
  doubled.push_back(good[0]);
  auto undefined = good;
  undefined.back().tensor = Tensor();
  auto other_shape = good;
  other_shape.back().tensor = Tensor::ones({2});
  auto other_dtype = good;
  other_dtype.back().tensor = Tensor::ones({1}, {DType::float64});
  const auto load = [&](const std::vector<NamedTensor>& state) { return [&] { net.load_state(state); }; };
  EXPECT_TRUE(contains(message_of<ValueError>(load(missing)), {"1.bias is missing"}));
  EXPECT_TRUE(contains(message_of<ValueError>(load(renamed)), {"1.bias is missing", "1.biass is unknown"}));
  EXPECT_TRUE(contains(message_of<ValueError>(load(doubled)), {"0.weight appears twice"}));
  EXPECT_TRUE(contains(message_of<ValueError>(load(undefined)), {"1.bias is undefined"}));
  EXPECT_TRUE(
      contains(message_of<ShapeError>(load(other_shape)), {"1.bias is float32 (1,), got float32 (2,)"}));
  EXPECT_TRUE(
      contains(message_of<DTypeError>(load(other_dtype)), {"1.bias is float32 (1,), got float64 (1,)"}));
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(floats(net.parameters()[i]), before[i]);

  EXPECT_TRUE(net.load_state(good).complete());
  for (const Tensor& parameter : net.parameters())
    EXPECT_EQ(floats(parameter), Floats(static_cast<std::size_t>(parameter.numel()), 1.0f));
}

TEST(State, CastsAndLeavesOutWhereAsked) {
  Sequential net{Linear(3, 2), Linear(2, 1)};
  const Floats untouched = floats(net.state()[3].tensor);
  const std::vector<NamedTensor> state{{"0.weight", Tensor::full({2, 3}, 0.1, {DType::float16})},
                                       {"0.bias", Tensor::full({2}, 0.1, {DType::bfloat16})},
                                       {"1.weight", Tensor::ones({2, 2})},
                                       {"1.biass", Tensor::ones({1})}};
  const LoadedState left_out = net.load_state(state, {.cast = true, .strict = false});
  EXPECT_EQ(left_out.missing, (std::vector<std::string>{"1.bias"}));
  EXPECT_EQ(left_out.unexpected, (std::vector<std::string>{"1.biass"}));
  EXPECT_EQ(left_out.mismatched,
            (std::vector<std::string>{"1.weight is float32 (1, 2), got float32 (2, 2)"}));
  EXPECT_FALSE(left_out.complete());
  EXPECT_EQ(floats(net.state()[0].tensor), Floats(6, static_cast<float>(float16(0.1f))));
  EXPECT_EQ(floats(net.state()[1].tensor), Floats(2, static_cast<float>(bfloat16(0.1f))));
  EXPECT_EQ(floats(net.state()[3].tensor), untouched);

  EXPECT_EQ(net.load_state(state, {.strict = false}).mismatched.size(), 3u) << "no cast";
  EXPECT_TRUE(
      contains(message_of<ValueError>([&] { net.load_state(std::span(state).first(2), {.cast = true}); }),
               {"1.weight is missing", "1.bias is missing"}));
  const std::vector<NamedTensor> integers{{"0.weight", Tensor::ones({2, 3}, {DType::int64})}};
  EXPECT_EQ(net.load_state(integers, {.cast = true, .strict = false}).mismatched,
            (std::vector<std::string>{"0.weight is float32 (2, 3), got int64 (2, 3)"}));
}

// The output layer shares the embedding's table.
struct Tied : Module {
  Embedding table{5, 3};
  Linear output{3, 5, false};
  Tied() { output.weight = table.weight; }
  void members(MemberVisitor& visit) override {
    visit.module("table", table);
    visit.module("output", output);
  }
  Tensor forward(const Tensor& indices) override { return output(table(indices)); }
};

TEST(Module, ListsSharedParametersOnceAndKeepsThemShared) {
  Tied net;
  EXPECT_EQ(names_of(net.state()), (Names{"table.weight", "output.weight"}));
  EXPECT_EQ(net.parameters().size(), 1u);
  EXPECT_EQ(net.parameter_count(), 15);
  const Floats before = floats(net.table.weight);
  net.to(DType::float64);
  EXPECT_TRUE(net.table.weight.is_same(net.output.weight));
  EXPECT_EQ(net.table.weight.dtype(), DType::float64);
  EXPECT_TRUE(net.table.weight.requires_grad() && net.table.weight.is_leaf());
  EXPECT_EQ(floats(net.table.weight.to(DType::float32)), before);
  sum(net(Tensor::zeros({2}, {DType::int64}))).backward();
  EXPECT_EQ(net.table.weight.grad().dtype(), DType::float64);
}

TEST(Module, ConvertsFloatingTensorsOnly) {
  BatchNorm2d norm(2);
  norm.to(DType::float64);
  EXPECT_EQ(norm.weight.dtype(), DType::float64);
  EXPECT_EQ(norm.running_mean.dtype(), DType::float64);
  EXPECT_EQ(norm.num_batches_tracked.dtype(), DType::int64);
  EXPECT_TRUE(norm.weight.requires_grad());
  EXPECT_FALSE(norm.running_mean.requires_grad());
  EXPECT_THROW(norm.to(DType::int64), DTypeError);
  const Tensor weight = norm.weight;
  norm.to(Device("cpu"));
  EXPECT_TRUE(norm.weight.is_same(weight)) << "nothing to move";
}

TEST(Module, SwitchesSubmodulesBetweenTrainingAndEvaluation) {
  MnistCnn net;
  EXPECT_TRUE(net.training() && net.dropout1.training());
  net.eval();
  EXPECT_FALSE(net.training() || net.dropout1.training() || net.fc2.training());
  net.train();
  EXPECT_TRUE(net.training() && net.dropout2.training());
}

TEST(Module, NamesItsOpsInTheProfiler) {
  Sequential net;
  net.add("features", Sequential{Conv2d(1, 2, 3), ReLU()}).add("head", Sequential{Flatten(), Linear(2, 2)});
  const Tensor x = rand_normal({1, 1, 3, 3});
  Profiler profiler;
  profiler.start();
  net(x);
  net.add("last", LogSoftmax());  // a module added later is named too
  net(x);
  profiler.stop();
  std::set<std::pair<std::string, std::string>> seen;
  for (const Record& record : profiler.records()) {
    if (record.provider == nullptr) seen.emplace(profiler.string(record.module), record.name);
  }
  EXPECT_TRUE(seen.contains({"features.0", "conv2d"}));
  EXPECT_TRUE(seen.contains({"head.1", "linear"}));
  EXPECT_TRUE(seen.contains({"last", "log_softmax"}));
}

// ---- Initialization ----

struct Moments {
  double mean = 0, deviation = 0, low = 0, high = 0;
};
Moments moments_of(const Tensor& tensor) {
  const Floats values = floats(tensor);
  Moments m{0, 0, values[0], values[0]};
  for (const double v : values) {
    m.mean += v / double(values.size());
    m.low = std::min(m.low, v);
    m.high = std::max(m.high, v);
  }
  for (const double v : values) m.deviation += (v - m.mean) * (v - m.mean) / double(values.size());
  m.deviation = std::sqrt(m.deviation);
  return m;
}

void expect_uniform(const Tensor& tensor, double bound) {
  const Moments m = moments_of(tensor);
  const double standard_error = bound / std::sqrt(3.0 * double(tensor.numel()));
  EXPECT_GE(m.low, -bound);
  EXPECT_LE(m.high, bound);
  EXPECT_LT(m.low, -0.9 * bound);
  EXPECT_GT(m.high, 0.9 * bound);
  EXPECT_NEAR(m.mean, 0, 4 * standard_error);
  EXPECT_NEAR(m.deviation, bound / std::sqrt(3.0), 0.1 * bound);
}

TEST(Initialization, MatchesPyTorch) {
  manual_seed(1);
  const Conv2d conv(8, 64, {3, 5}, {.groups = 2});
  EXPECT_EQ(conv.weight.shape(), (Shape{64, 4, 3, 5}));
  EXPECT_EQ(conv.bias.shape(), (Shape{64}));
  expect_uniform(conv.weight, 1 / std::sqrt(4.0 * 3 * 5));
  expect_uniform(conv.bias, 1 / std::sqrt(4.0 * 3 * 5));
  const Linear linear(100, 64);
  EXPECT_EQ(linear.weight.shape(), (Shape{64, 100}));
  expect_uniform(linear.weight, 0.1);
  expect_uniform(linear.bias, 0.1);
  const Moments m = moments_of(Embedding(100, 64).weight);
  EXPECT_NEAR(m.mean, 0, 4 / std::sqrt(6400.0));
  EXPECT_NEAR(m.deviation, 1, 4 / std::sqrt(2 * 6400.0));
  const BatchNorm2d norm(2);
  EXPECT_EQ(floats(norm.weight), (Floats{1, 1}));
  EXPECT_EQ(floats(norm.bias), (Floats{0, 0}));
  EXPECT_EQ(floats(norm.running_mean), (Floats{0, 0}));
  EXPECT_EQ(floats(norm.running_var), (Floats{1, 1}));
  EXPECT_EQ(norm.num_batches_tracked.shape(), Shape{});
  EXPECT_EQ(norm.num_batches_tracked.item<std::int64_t>(), 0);
  const LayerNorm layer({2, 1});
  EXPECT_EQ(layer.weight.shape(), (Shape{2, 1}));
  EXPECT_EQ(floats(layer.bias), (Floats{0, 0}));
}

TEST(Initialization, DependsOnTheSeedAlone) {
  const auto weights = [](std::uint64_t seed) {
    manual_seed(seed);
    return floats(MnistCnn().fc2.weight);
  };
  const Floats first = weights(1);
  EXPECT_EQ(first, weights(1));
  EXPECT_NE(first, weights(2));
}

TEST(Initialization, OmitsDisabledParameters) {
  EXPECT_FALSE(Conv2d(1, 1, 1, {}, false).bias.defined());
  EXPECT_FALSE(Linear(1, 1, false).bias.defined());
  BatchNorm2d norm(2, 1e-5, 0.1, false);
  EXPECT_TRUE(norm.parameters().empty());
  EXPECT_EQ(norm.state().size(), 3u);
  EXPECT_TRUE(LayerNorm({2}, 1e-5, false).parameters().empty());
  EXPECT_EQ(Linear(0, 2).weight.numel(), 0);
}

TEST(Layers, CheckTheirArguments) {
  EXPECT_THROW(Conv2d(0, 1, 3), ValueError);
  EXPECT_THROW(Conv2d(1, 0, 3), ValueError);
  EXPECT_THROW(Conv2d(1, 1, 0), ValueError);
  EXPECT_THROW(Conv2d(4, 4, 3, {.groups = 0}), ValueError);
  EXPECT_THROW(Conv2d(4, 6, 3, {.groups = 4}), ValueError);
  EXPECT_THROW(Linear(-1, 1), ValueError);
  EXPECT_THROW(Embedding(-1, 1), ValueError);
  EXPECT_THROW(Dropout(1.5), ValueError);
  EXPECT_THROW(Dropout(std::nan("")), ValueError);
  EXPECT_THROW(Dropout2d(-0.1), ValueError);
  EXPECT_THROW(BatchNorm2d(-1), ShapeError);
  EXPECT_THROW(LayerNorm(Shape{}), ShapeError);
  EXPECT_THROW(BatchNorm2d(3)(Tensor::ones({2, 3})), ShapeError);
  EXPECT_THROW(BatchNorm2d(3)(Tensor()), ShapeError);
}

// ---- Forward ----

TEST(Layers, MatchTheirOps) {
  manual_seed(1);
  const Tensor x = rand_normal({2, 4, 6, 6});
  Conv2d conv(4, 6, 3, {.stride = 2, .padding = 1, .groups = 2});
  EXPECT_EQ(floats(conv(x)),
            floats(conv2d(x, conv.weight, conv.bias, {.stride = 2, .padding = 1, .groups = 2})));
  Linear dense(6, 3);
  EXPECT_EQ(floats(dense(x)), floats(linear(x, dense.weight, dense.bias)));
  EXPECT_EQ(floats(MaxPool2d(2)(x)), floats(max_pool2d(x, {.kernel = 2})));
  EXPECT_EQ(floats(MaxPool2d({3, 2}, 1, {1, 0})(x)),
            floats(max_pool2d(x, {.kernel = {3, 2}, .stride = 1, .padding = {1, 0}})));
  EXPECT_EQ(floats(AvgPool2d(3, 2)(x)), floats(avg_pool2d(x, {.kernel = 3, .stride = 2})));
  EXPECT_EQ(floats(ReLU()(x)), floats(relu(x)));
  EXPECT_EQ(floats(GELU()(x)), floats(gelu(x)));
  EXPECT_EQ(floats(LogSoftmax(1)(x)), floats(log_softmax(x, 1)));
  EXPECT_EQ(floats(LogSoftmax()(x)), floats(log_softmax(x, 3)));
  LayerNorm layer({6, 6});
  EXPECT_EQ(floats(layer(x)), floats(layer_norm(x, {6, 6}, layer.weight, layer.bias)));
  EXPECT_EQ(Flatten()(x).shape(), (Shape{2, 144}));
  EXPECT_EQ(Flatten(0, 1)(x).shape(), (Shape{8, 6, 6}));
  Embedding table(5, 3);
  const Tensor indices = Tensor::from<std::int64_t>({4, 0, 4}, {3, 1});
  EXPECT_EQ(floats(table(indices)), floats(embedding(table.weight, indices)));
}

TEST(Layers, DropInTrainingOnly) {
  const Tensor x = Tensor::ones({4, 8, 5, 5});
  Dropout drop(0.5);
  const Floats dropped = floats(drop(x));
  EXPECT_EQ(std::set<float>(dropped.begin(), dropped.end()), (std::set<float>{0, 2}));
  Dropout2d drop_channels(0.5);
  const Tensor channels = drop_channels(x).reshape({32, 25});
  for (int i = 0; i < 32; ++i) {
    const Floats plane = floats(channels.select(0, i));
    EXPECT_EQ(plane, Floats(25, plane[0])) << "channel " << i;
  }
  drop.eval();
  drop_channels.eval();
  EXPECT_EQ(floats(drop(x)), floats(x));
  EXPECT_EQ(floats(drop_channels(x)), floats(x));
}

TEST(Layers, BatchNormUpdatesRunningStatisticsInTrainingOnly) {
  BatchNorm2d norm(1, 0, 0.25);
  const Tensor x = Tensor::from<float>({1, 3, 5, 7}, {2, 1, 1, 2});  // mean 4, variance 5, unbiased 20 / 3
  const Floats y = floats(norm(x));
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(y[i], (double(2 * i + 1) - 4) / std::sqrt(5.0), 1e-6);
  EXPECT_NEAR(norm.running_mean.item<float>(), 0.25 * 4, 1e-6);
  EXPECT_NEAR(norm.running_var.item<float>(), 0.75 + 0.25 * 20 / 3, 1e-6);
  EXPECT_EQ(norm.num_batches_tracked.item<std::int64_t>(), 1);
  norm.eval();
  const Floats z = floats(norm(x));
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(z[i], (double(2 * i + 1) - 1) / std::sqrt(0.75 + 5.0 / 3), 1e-5);
  EXPECT_EQ(norm.num_batches_tracked.item<std::int64_t>(), 1);
  EXPECT_NEAR(norm.running_mean.item<float>(), 1, 1e-6);
}

TEST(Losses, MatchTheirOps) {
  manual_seed(1);
  const Tensor x = rand_normal({3, 4}), y = rand_normal({3, 4});
  const Tensor target = Tensor::from<std::int64_t>({0, 3, 1}, {3});
  for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
    EXPECT_EQ(floats(NLLLoss{reduction}(x, target)), floats(nll_loss(x, target, reduction)));
    EXPECT_EQ(floats(CrossEntropyLoss{reduction}(x, target)), floats(cross_entropy(x, target, reduction)));
    EXPECT_EQ(floats(MSELoss{reduction}(x, y)), floats(mse_loss(x, y, reduction)));
  }
  EXPECT_EQ(floats(NLLLoss()(x, target)), floats(nll_loss(x, target)));
}

// ---- Sequential ----

std::multiset<std::string> ops_of(Module& module, const Tensor& x) {
  Profiler profiler;
  profiler.start();
  module(x);
  profiler.stop();
  std::multiset<std::string> names;
  for (const Record& record : profiler.records()) {
    if (record.provider == nullptr && record.parent < 0) names.insert(record.name);
  }
  return names;
}

TEST(Sequential, FusesReluBitForBit) {
  manual_seed(1);
  Sequential net{Conv2d(2, 5, 3), ReLU(), Flatten(), Linear(80, 7), ReLU(), ReLU(), Linear(7, 3)};
  auto& conv = dynamic_cast<Conv2d&>(net[0]);
  auto& first = dynamic_cast<Linear&>(net[3]);
  auto& second = dynamic_cast<Linear&>(net[6]);
  const Tensor x = rand_normal({3, 2, 6, 6});
  const std::vector<Tensor> parameters = net.parameters();

  const Tensor y = net(x);
  sum(y * y).backward();
  std::vector<Floats> gradients;
  for (Tensor parameter : parameters) {
    gradients.push_back(floats(parameter.grad()));
    parameter.set_grad({});
  }
  const Tensor z = second(relu(relu(first(flatten(relu(conv(x)), 1)))));
  sum(z * z).backward();
  EXPECT_EQ(floats(y), floats(z));
  for (std::size_t i = 0; i < parameters.size(); ++i)
    EXPECT_EQ(gradients[i], floats(parameters[i].grad())) << i;

  const auto ops = ops_of(net, x);
  EXPECT_EQ(ops.count("relu"), 1u) << "only the first of two in a row is an epilogue";
  EXPECT_EQ(ops.count("conv2d"), 1u);
  EXPECT_EQ(ops.count("linear"), 2u);
}

TEST(Sequential, NamesItsModules) {
  Sequential net{Linear(1, 1), ReLU()};
  net.add("head", Linear(1, 1)).add(Linear(1, 1));
  EXPECT_EQ(net.size(), 4u);
  EXPECT_EQ(names_of(net.state()),
            (Names{"0.weight", "0.bias", "head.weight", "head.bias", "3.weight", "3.bias"}));
  EXPECT_THROW(net.add("head", ReLU()), ValueError);
  EXPECT_THROW(net.add("", ReLU()), ValueError);
  EXPECT_THROW(net.add("a.b", ReLU()), ValueError);
  EXPECT_EQ(net.size(), 4u);
  EXPECT_THROW(net[4], std::out_of_range);
}

TEST(Sequential, MovesWithItsModules) {
  Sequential net{Linear(3, 4), ReLU(), Linear(4, 2)};
  const Tensor x = rand_normal({5, 3});
  const Floats y = floats(net(x));
  Sequential moved = std::move(net);
  EXPECT_EQ(floats(moved(x)), y);
  Sequential outer;
  outer.add("inner", std::move(moved));
  EXPECT_EQ(floats(outer(x)), y);
  EXPECT_EQ(outer.named_parameters()[0].name, "inner.0.weight");
}

TEST(Sequential, EmptyIsTheIdentity) {
  Sequential net;
  const Tensor x = rand_normal({2, 2});
  EXPECT_TRUE(net(x).is_same(x));
  EXPECT_TRUE(net.parameters().empty());
}

}  // namespace
}  // namespace metron
