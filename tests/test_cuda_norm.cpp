// Batch and layer normalization on the device cuda: what the table of op cases does not cover.
#include <metron/core/ops.h>
#include <metron/core/slots.h>

#include <vector>

#include "device_test.h"
#include "op_case_runner.h"

namespace metron::test {
namespace {

const Device device("cuda");

class CudaNorm : public DeviceTest {};

// One call of each slot, forward and backward, into uninitialized results.
struct BatchNormCall {
  Shape shape;
  Layout layout = Layout::contiguous;
  bool affine = true, batch_statistics = true;
};

std::vector<Tensor> batch_norm_of(const BatchNormCall& c, DType dtype, Device where) {
  const auto input = [&](const Shape& shape, const char* seed, Layout layout = Layout::contiguous) {
    return make_tensor(make_values(in(shape), seed), dtype, layout, where);
  };
  const Shape channels{c.shape[1]};
  const Tensor x = input(c.shape, "x", c.layout), g = input(c.shape, "g", c.layout);
  const Tensor w = c.affine ? input(channels, "w") : Tensor();
  const Tensor b = c.affine ? input(channels, "b") : Tensor();
  const TensorOptions options{dtype, where};
  Tensor mean = Tensor::empty(channels, options), variance = Tensor::empty(channels, options);
  if (!c.batch_statistics) {
    mean = input(channels, "mean");
    variance = mul(mean, mean);
  }
  Tensor y = Tensor::empty_like(x), gx = Tensor::empty_like(x), gw, gb;
  if (c.affine) {
    gw = Tensor::empty(channels, options);
    gb = Tensor::empty(channels, options);
  }
  constexpr double eps = 1e-3;
  kernel::batch_norm(x, w, b, c.batch_statistics, eps, mean, variance, y);
  kernel::batch_norm_backward(g, x, w, mean, variance, c.batch_statistics, eps, gx, gw, gb);
  std::vector<Tensor> results{y, mean, variance, gx};
  if (c.affine) results.insert(results.end(), {gw, gb});
  return results;
}

void expect_close(const std::vector<Tensor>& got, const std::vector<Tensor>& want, double tolerance) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_TRUE(close(to_array(got[i]), to_array(want[i]), tolerance)) << "result " << i;
}

// Few and many channels, short and long, to cover every partitioning, chunks included.
TEST_F(CudaNorm, BatchNormForAllShapes) {
  for (const Shape& shape :
       {Shape{2, 1, 1, 1}, Shape{3, 2, 5, 7}, Shape{4, 3, 8, 8}, Shape{5, 67, 2, 2}, Shape{2, 2, 101, 103},
        Shape{1025, 3, 1, 2}, Shape{3, 1, 64, 64}, Shape{4, 33, 4, 3}}) {
    for (const Layout layout : {Layout::contiguous, Layout::channels_last, Layout::offset}) {
      for (const bool affine : {true, false}) {
        for (const bool batch_statistics : {true, false}) {
          SCOPED_TRACE(testing::Message() << shape << ", layout " << static_cast<int>(layout) << ", affine "
                                          << affine << ", statistics " << batch_statistics);
          const BatchNormCall call{shape, layout, affine, batch_statistics};
          expect_close(batch_norm_of(call, DType::float32, device), batch_norm_of(call, DType::float64, {}),
                       2e-6);
        }
      }
    }
  }
}

std::vector<Tensor> layer_norm_of(const Shape& shape, Layout layout, bool affine, DType dtype, Device where) {
  const auto input = [&](const Shape& of, const char* seed, Layout of_layout) {
    return make_tensor(make_values(in(of), seed), dtype, of_layout, where);
  };
  const Tensor x = input(shape, "x", layout), g = input(shape, "g", layout);
  const Shape rows{shape[0]}, columns{shape[1]};
  const Tensor w = affine ? input(columns, "w", layout) : Tensor();
  const Tensor b = affine ? input(columns, "b", Layout::contiguous) : Tensor();
  const TensorOptions options{dtype, where};
  Tensor mean = Tensor::empty(rows, options), variance = Tensor::empty(rows, options);
  Tensor y = Tensor::empty(shape, options), gx = Tensor::empty(shape, options), gw, gb;
  if (affine) {
    gw = Tensor::empty(columns, options);
    gb = Tensor::empty(columns, options);
  }
  constexpr double eps = 1e-3;
  kernel::layer_norm(x, w, b, eps, mean, variance, y);
  kernel::layer_norm_backward(g, x, w, mean, variance, eps, gx, gw, gb);
  std::vector<Tensor> results{y, mean, variance, gx};
  if (affine) results.insert(results.end(), {gw, gb});
  return results;
}

TEST_F(CudaNorm, LayerNormForAllShapes) {
  for (const Shape& shape :
       {Shape{3, 1}, Shape{5, 2}, Shape{7, 16}, Shape{9, 100}, Shape{2, 1024}, Shape{3, 1027}, Shape{1, 9001},
        Shape{2053, 4}, Shape{700, 36}, Shape{19, 65}, Shape{9, 1000}, Shape{70'000, 1}}) {
    for (const Layout layout : {Layout::contiguous, Layout::offset}) {
      for (const bool affine : {true, false}) {
        SCOPED_TRACE(testing::Message()
                     << shape << ", layout " << static_cast<int>(layout) << ", affine " << affine);
        expect_close(layer_norm_of(shape, layout, affine, DType::float32, device),
                     layer_norm_of(shape, layout, affine, DType::float64, {}), 3e-6);
      }
    }
  }
}

// Sums of squares would cancel catastrophically at such a variance.
TEST_F(CudaNorm, VarianceIsAccurateFarFromZero) {
  for (const std::int64_t size : {1000, 40'000}) {
    std::vector<float> numbers(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = 10'000 + static_cast<float>(i % 2);
    const Tensor x = Tensor::from(numbers, {1, size}, device);
    const TensorOptions options{DType::float32, device};
    Tensor mean = Tensor::empty({1}, options), variance = Tensor::empty({1}, options);
    Tensor y = Tensor::empty({1, size}, options);
    kernel::layer_norm(x, {}, {}, 0, mean, variance, y);
    EXPECT_FLOAT_EQ(mean.to("cpu").item<float>(), 10'000.5f);
    EXPECT_NEAR(variance.to("cpu").item<float>(), 0.25f, 1e-5f);
    y = Tensor::empty({size, 1}, options);
    kernel::batch_norm(x.reshape({size, 1}), {}, {}, true, 0, mean, variance, y);
    EXPECT_FLOAT_EQ(mean.to("cpu").item<float>(), 10'000.5f);
    EXPECT_NEAR(variance.to("cpu").item<float>(), 0.25f, 1e-5f);
  }
}

TEST_F(CudaNorm, GradientsAreDeterministic) {
  const BatchNormCall call{{64, 3, 17, 19}};
  const auto floats = [](const std::vector<Tensor>& tensors) {
    std::vector<std::vector<float>> all;
    for (const Tensor& t : tensors) all.push_back(t.to_vector<float>());
    return all;
  };
  EXPECT_EQ(floats(batch_norm_of(call, DType::float32, device)),
            floats(batch_norm_of(call, DType::float32, device)));
  const auto layer = [&] {
    return floats(layer_norm_of({900, 37}, Layout::contiguous, true, DType::float32, device));
  };
  EXPECT_EQ(layer(), layer());
}

}  // namespace
}  // namespace metron::test
