// Memory behavior of ops: which results are views, which keep channels-last, and what in-place ops write.
#include <gtest/gtest.h>
#include <metron/core/autograd.h>
#include <metron/core/ops.h>
#include <metron/core/profiler/profiler.h>

#include <numeric>
#include <string_view>
#include <vector>

namespace metron {
namespace {

Tensor counted(const Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(shape.numel()));
  std::iota(values.begin(), values.end(), 0.0f);
  return Tensor::from(values, shape);
}

bool shares_storage(const Tensor& a, const Tensor& b) { return a.storage() == b.storage(); }

using Floats = std::vector<float>;

TEST(Views, ReshapeCopiesOnlyWhereStridesRequireIt) {
  const Tensor x = counted({2, 3, 4});
  EXPECT_TRUE(shares_storage(x, x.reshape({6, -1})));
  EXPECT_TRUE(shares_storage(x, x.slice(2, 0, 2).reshape({6, 2})));  // rows with gaps in between
  EXPECT_TRUE(shares_storage(x, x.transpose(0, 1).reshape({3, 2, 2, 2})));
  EXPECT_TRUE(shares_storage(x, x.unsqueeze(1).squeeze(1)));
  EXPECT_TRUE(shares_storage(x, counted({1}).expand({4, 3}).reshape({12})) == false);
  const Tensor expanded = counted({1}).expand({4, 3});
  EXPECT_TRUE(shares_storage(expanded, expanded.reshape({12})));
  const Tensor copied = x.transpose(0, 1).reshape({6, 4});
  EXPECT_FALSE(shares_storage(x, copied));
  EXPECT_EQ(copied.select(0, 1).to_vector<float>(), (Floats{12, 13, 14, 15}));
  EXPECT_EQ(x.transpose(0, 2).reshape({-1}).slice(0, 0, 4).to_vector<float>(), (Floats{0, 12, 4, 16}));
}

TEST(Views, ShapesWithoutElements) {
  const Tensor x = Tensor::zeros({0, 3});
  EXPECT_EQ(x.reshape({3, 0, 2}).shape(), (Shape{3, 0, 2}));
  EXPECT_EQ(x.reshape({-1, 3}).shape(), (Shape{0, 3}));
  EXPECT_EQ(x.flatten().shape(), (Shape{0}));
  EXPECT_EQ(x.transpose(0, 1).shape(), (Shape{3, 0}));
  EXPECT_EQ(x.expand({2, 0, 3}).shape(), (Shape{2, 0, 3}));
  EXPECT_EQ(x.slice(1, 2, 2).shape(), (Shape{0, 0}));
  EXPECT_EQ(sum(x, {0}).to_vector<float>(), (Floats{0, 0, 0}));
}

TEST(Views, SliceBoundsMatchNumPy) {
  const Tensor x = counted({5});
  EXPECT_EQ(x.slice(0, 1, 4).to_vector<float>(), (Floats{1, 2, 3}));
  EXPECT_EQ(x.slice(0, -2, 99).to_vector<float>(), (Floats{3, 4}));
  EXPECT_EQ(x.slice(-1, 0, 5, 2).to_vector<float>(), (Floats{0, 2, 4}));
  EXPECT_EQ(x.slice(0, 1, 5, std::int64_t{1} << 62).to_vector<float>(), (Floats{1}));
  EXPECT_EQ(x.slice(0, 4, 2).shape(), (Shape{0}));
  EXPECT_EQ(counted({}).flatten().shape(), (Shape{1}));
}

TEST(Layouts, ElementWiseResultsKeepChannelsLast) {
  const Tensor x = counted({2, 3, 4, 5}).to(MemoryFormat::channels_last);
  const Tensor channel = counted({3, 1, 1});
  for (const Tensor& y : {relu(x), x + x, x * channel, channel - x, gt(x, channel), x.clone(),
                          x.to(DType::float64), where(gt(x, channel), channel, x), softmax(x, 1),
                          cat(std::vector<Tensor>{x, x}, 1), dropout(x, 0.5), Tensor::empty_like(x)})
    EXPECT_TRUE(y.is_channels_last() && !y.is_contiguous()) << describe(y);
  EXPECT_EQ((x + channel).to_vector<float>(), (x.contiguous() + channel).to_vector<float>());
}

TEST(Layouts, ConvolutionProducesAndPoolingKeepsChannelsLast) {
  const Tensor x = counted({2, 3, 6, 6}), w = counted({4, 3, 3, 3});
  const Tensor y = conv2d(x, w);
  EXPECT_TRUE(y.is_channels_last());
  EXPECT_TRUE(max_pool2d(y, {}).is_channels_last());
  EXPECT_TRUE(avg_pool2d(y, {}).is_channels_last());
  EXPECT_TRUE(max_pool2d(x, {}).is_contiguous());
  EXPECT_EQ(conv2d(x.to(MemoryFormat::channels_last), w).to_vector<float>(), y.to_vector<float>());
}

TEST(Layouts, CopyGradientHasTheLayoutOfItsInput) {
  Tensor x = counted({2, 3, 4, 5}).to(MemoryFormat::channels_last).set_requires_grad();
  Tensor y = x * 2;
  y.retain_grad();
  sum(y.flatten(1) * counted({2, 60})).backward();
  EXPECT_TRUE(y.grad().is_channels_last());
  EXPECT_EQ(y.grad().to_vector<float>(), counted({2, 60}).to_vector<float>());
}

TEST(InPlace, OverlappingOperandsAreReadBeforeBeingWritten) {
  Tensor x = counted({5});
  x.slice(0, 1, 5).copy_(x.slice(0, 0, 4));
  EXPECT_EQ(x.to_vector<float>(), (Floats{0, 0, 1, 2, 3}));
  Tensor square = counted({2, 2});
  square.add_(square.transpose(0, 1));
  EXPECT_EQ(square.to_vector<float>(), (Floats{0, 3, 3, 6}));
  square.add_(square);
  EXPECT_EQ(square.to_vector<float>(), (Floats{0, 6, 6, 12}));
  square.add_(square.select(0, 1), -1);
  EXPECT_EQ(square.to_vector<float>(), (Floats{-6, -6, 0, 0}));
}

TEST(InPlace, SourcesBroadcastAndConvert) {
  Tensor x = counted({2, 3});
  x.slice(1, 0, 3, 2).copy_(Tensor::from(std::vector<std::int64_t>{7, 8}, {2}));
  EXPECT_EQ(x.to_vector<float>(), (Floats{7, 1, 8, 7, 4, 8}));
  x.add_(counted({3}), 2).mul_(-1);
  EXPECT_EQ(x.to_vector<float>(), (Floats{-7, -3, -12, -7, -6, -12}));
  x.select(0, 1).fill_(5);
  EXPECT_EQ(x.to_vector<float>(), (Floats{-7, -3, -12, 5, 5, 5}));
  Tensor whole = Tensor::from(std::vector<std::int64_t>{1, 2}, {2});
  whole.mul_(3).add_(whole, -2);
  EXPECT_EQ(whole.to_vector<std::int64_t>(), (std::vector<std::int64_t>{-3, -6}));
}

TEST(InPlace, BackwardRejectsAModifiedTensor) {
  Tensor x = counted({3}).set_requires_grad();
  const Tensor y = sum(x * x);
  {
    const NoGradGuard no_grad;
    x.slice(0, 0, 1).fill_(4);
  }
  EXPECT_THROW(y.backward(), AutogradError);
}

TEST(Dropout, IsTheIdentityUnlessActive) {
  const Tensor x = counted({2, 3});
  EXPECT_TRUE(dropout(x, 0.5, false).is_same(x));
  EXPECT_TRUE(dropout2d(x, 0).is_same(x));
  EXPECT_EQ(dropout(x + 1, 1).to_vector<float>(), Floats(6, 0));
  Tensor leaf = counted({2, 3}).set_requires_grad();
  sum(dropout(leaf, 1)).backward();
  EXPECT_EQ(leaf.grad().to_vector<float>(), Floats(6, 0));
}

TEST(Gradients, OnlyRequestedOnesAreComputed) {
  Tensor w = counted({4, 3, 3, 3}).set_requires_grad();
  const Tensor loss = sum(conv2d(counted({2, 3, 6, 6}), w, counted({4})));
  Profiler profiler;
  profiler.start();
  loss.backward();
  profiler.stop();
  int weight_kernels = 0;
  for (const Record& record : profiler.records()) {
    EXPECT_NE(std::string_view(record.name), "conv2d_backward_input");
    if (std::string_view(record.name) == "conv2d_backward_weight") ++weight_kernels;
  }
  EXPECT_EQ(weight_kernels, 1);
}

TEST(Cat, HandlesMoreTensorsThanANodeHasInputs) {
  std::vector<Tensor> parts;
  parts.reserve(150);
  for (int i = 0; i < 150; ++i) parts.push_back(Tensor::full({1}, i).set_requires_grad());
  const Tensor y = cat(parts);
  EXPECT_EQ(y.to_vector<float>(), counted({150}).to_vector<float>());
  sum(y * counted({150})).backward();
  for (int i = 0; i < 150; ++i) EXPECT_EQ(parts[static_cast<std::size_t>(i)].grad().item<float>(), float(i));
}

}  // namespace
}  // namespace metron
