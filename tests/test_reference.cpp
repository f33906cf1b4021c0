// The portable provider against the loops of naive.h.
#include <metron/core/ops.h>

#include "op_case_runner.h"

namespace metron::test {
namespace {

// Bounds the rounding of the table's longest sums (10^5 terms, added in blocks) with unit-sized operands.
double tolerance(DType dtype) { return dtype == DType::float64 ? 5e-14 : 1e-6; }

class Reference : public testing::TestWithParam<Case> {};

TEST_P(Reference, AgreesWithNaiveLoops) {
  const Case& c = GetParam();
  for (const Device device : devices()) {
    const ProviderScope only(portable(device).name);
    for (const DType dtype : {DType::float64, DType::float32}) {
      SCOPED_TRACE(testing::Message() << c << ", provider " << portable(device).name << ", " << dtype);
      const std::vector<Tensor> inputs = make_inputs(c, dtype, device);
      const std::vector<naive::Array> arrays = to_arrays(inputs);
      poison(device, inputs);
      const Tensor y = c.call(inputs);
      EXPECT_TRUE(close(to_array(y), c.naive(arrays), tolerance(dtype)));
      for (std::size_t i = 0; i < inputs.size(); ++i)
        EXPECT_TRUE(close(to_array(inputs[i]), arrays[i], 0)) << "input " << i << " was changed";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Reference, testing::ValuesIn(cases()), test_name);

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

Tensor vector(const std::vector<double>& values) {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size())});
}

TEST(SpecialValues, NanPropagatesThroughElementwiseOps) {
  const Tensor x = vector({nan, 1, nan});
  for (const auto op : {relu, gelu, sigmoid, metron::tanh, metron::exp, metron::log, metron::sqrt}) {
    const std::vector<double> y = op(x).to_vector<double>();
    EXPECT_TRUE(std::isnan(y[0]) && !std::isnan(y[1]) && std::isnan(y[2]));
    const std::vector<float> single = op(x.to(DType::float32)).to_vector<float>();
    EXPECT_TRUE(std::isnan(single[0]) && !std::isnan(single[1]) && std::isnan(single[2]));
  }
  EXPECT_TRUE(std::isnan(clamp(x, 0, 1).to_vector<double>()[0]));
  EXPECT_TRUE(std::isnan(maximum(x, vector({5, 5, 5})).to_vector<double>()[0]));
  EXPECT_TRUE(std::isnan(maximum(vector({5, 5, 5}), x).to_vector<double>()[0]));
  EXPECT_TRUE(std::isnan(minimum(vector({5, 5, 5}), x).to_vector<double>()[0]));
}

TEST(SpecialValues, ComparisonsWithNanAreFalse) {
  const Tensor x = vector({nan}), y = vector({1});
  for (const auto op : {eq, lt, le, gt, ge}) {
    EXPECT_EQ(op(x, y).item<std::uint8_t>(), 0);
    EXPECT_EQ(op(y, x).item<std::uint8_t>(), 0);
  }
  EXPECT_EQ(ne(x, x).item<std::uint8_t>(), 1);
}

TEST(SpecialValues, DomainEdges) {
  EXPECT_EQ(metron::log(vector({0})).item<double>(), -infinity);
  EXPECT_TRUE(std::isnan(metron::log(vector({-1})).item<double>()));
  EXPECT_TRUE(std::isnan(metron::sqrt(vector({-1})).item<double>()));
  EXPECT_EQ(metron::exp(vector({1000})).item<double>(), infinity);
  EXPECT_EQ(metron::exp(vector({-1000})).item<double>(), 0);
  EXPECT_EQ(metron::exp(vector({1000}).to(DType::float32)).item<float>(), infinity);
  EXPECT_EQ(metron::exp(vector({-1000}).to(DType::float32)).item<float>(), 0);
  EXPECT_EQ(metron::exp(vector({-infinity}).to(DType::float32)).item<float>(), 0);
  EXPECT_EQ(metron::tanh(vector({infinity})).item<double>(), 1);
  EXPECT_EQ(sigmoid(vector({-infinity})).item<double>(), 0);
  EXPECT_EQ((vector({1}) / vector({0})).item<double>(), infinity);
}

TEST(SpecialValues, TheFirstNanIsTheMaximum) {
  const Tensor x = Tensor::from(std::vector<double>{1, nan, 3, nan, infinity, 2}, {2, 3});
  EXPECT_EQ(argmax(x, {1}).to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(argmax(x).item<std::int64_t>(), 1);
  for (const double value : max(x, {1}).to_vector<double>()) EXPECT_TRUE(std::isnan(value));
  const Tensor below = vector({-infinity, -infinity});
  EXPECT_EQ(max(below).item<double>(), -infinity);
  EXPECT_EQ(argmax(below).item<std::int64_t>(), 0);
}

TEST(SpecialValues, PoolsPropagateNanAndMinusInfinity) {
  const Tensor x = Tensor::from(std::vector<double>{1, nan, -infinity, -infinity, 2, 3, -infinity, -infinity},
                                {1, 1, 2, 4})
                       .set_requires_grad();
  const Tensor y = max_pool2d(x, {.kernel = 2});
  EXPECT_TRUE(std::isnan(y.to_vector<double>()[0]));
  EXPECT_EQ(y.to_vector<double>()[1], -infinity);
  y.backward(Tensor::ones(y.shape(), y.options()));
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{0, 1, 1, 0, 0, 0, 0, 0}));
}

TEST(SpecialValues, SoftmaxOfInfinities) {
  const std::vector<double> y = softmax(vector({-infinity, 0, -infinity}), 0).to_vector<double>();
  EXPECT_EQ(y, (std::vector<double>{0, 1, 0}));
  const std::vector<double> log_y = log_softmax(vector({-infinity, 0, 0}), 0).to_vector<double>();
  EXPECT_EQ(log_y[0], -infinity);
  EXPECT_DOUBLE_EQ(log_y[1], -std::log(2));
}

TEST(SpecialValues, LongSumsStayExact) {
  // Added sequentially in float32, ten million tenths yield 1087937.
  const Tensor tenths = Tensor::full({10'000'000}, 0.1);
  EXPECT_NEAR(sum(tenths).item<float>(), 1e6, 1);
  EXPECT_NEAR(mean(tenths).item<float>(), 0.1f, 1e-7);
  EXPECT_NEAR(sum(Tensor::full({1'000'000, 3}, 0.1), {0}).to_vector<float>()[1], 1e5, 0.1);
}

TEST(SpecialValues, IntegersBeyondFloatPrecision) {
  const std::int64_t large = (std::int64_t{1} << 53) + 1;
  const Tensor x = Tensor::from(std::vector<std::int64_t>{large, -large}, {2});
  const Tensor one = Tensor::from(std::vector<std::int64_t>{1}, {1});
  EXPECT_EQ((x + one).to_vector<std::int64_t>(), (std::vector<std::int64_t>{large + 1, 1 - large}));
  EXPECT_EQ(max(x).item<std::int64_t>(), large);
  EXPECT_EQ(sum(x).item<std::int64_t>(), 0);
}

}  // namespace
}  // namespace metron::test
