// The kernels of the device cuda, real or emulated, against the portable provider.
#include <metron/core/autograd.h>
#include <metron/core/ops.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "device_test.h"
#include "op_case_runner.h"

namespace metron::test {
namespace {

class Cuda : public DeviceTest {};

// The whole table, with the device's preferred provider.
TEST_F(Cuda, OpsAgreeWithThePortableProvider) {
  const Device device("cuda");
  for (const Case& c : cases()) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      SCOPED_TRACE(testing::Message() << c << ", " << dtype);
      const Outcome got = run(c, dtype, device);
      const ProviderScope portable("cpu");
      const Outcome want = run(c, dtype, Device());
      const double allowed = dtype == DType::float64 ? 2e-13 : 2e-6;
      EXPECT_TRUE(close(got.output, want.output, allowed)) << "the output";
      for (std::size_t i = 0; i < want.gradients.size(); ++i)
        EXPECT_TRUE(close(got.gradients[i], want.gradients[i], allowed)) << "the gradient of input " << i;
    }
  }
}

TEST_F(Cuda, HalvesComputeInFloat) {
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    const std::vector<float> values{-3, -0.5f, 0, 0.25f, 1, 2, 100, -0.125f, 7};
    const Tensor x = Tensor::from(values, {9}).to(dtype);
    const Tensor on_device = x.to("cuda");
    const std::vector<float> got = relu(on_device).to(DType::float32).to_vector<float>();
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(got[i], std::max(values[i], 0.f));
    EXPECT_EQ(exp(on_device).to(DType::float32).to_vector<float>(),
              exp(x.to(DType::float32)).to(dtype).to(DType::float32).to_vector<float>());
  }
}

// With each provider of the device, falling back to our own kernels.
template <typename Body>
void for_each_provider(const Body& body) {
  for (const Provider& p : providers_of(Device("cuda"))) {
    SCOPED_TRACE(p.name);
    const ProviderScope scope(p.name + std::string(",cuda"));
    body();
  }
}

TEST_F(Cuda, ProductsOfHalvesAreAccumulatedInFloat) {
  const auto values = [](const Shape& shape, const char* seed, DType dtype) {
    return make_tensor(make_values(in(shape), seed), DType::float32).to(dtype);
  };
  // y and the gradients of x, w and b, for operands with identical 16-bit values.
  const auto linear_pass = [&](DType dtype, DType computed, Device device) {
    std::vector<Tensor> leaves{values({33, 300}, "x", dtype), values({19, 300}, "w", dtype),
                               values({19}, "b", dtype)};
    for (Tensor& leaf : leaves) leaf = leaf.to(computed).to(device).set_requires_grad();
    const Tensor y = linear(leaves[0], leaves[1], leaves[2], Activation::relu);
    y.backward(values({33, 19}, "g", dtype).to(computed).to(device));
    std::vector<naive::Array> results{to_array(y)};
    for (const Tensor& leaf : leaves) results.push_back(to_array(leaf.grad()));
    return results;
  };
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    const auto want = linear_pass(dtype, DType::float32, Device());
    for_each_provider([&] {
      const auto got = linear_pass(dtype, dtype, Device("cuda"));
      for (std::size_t i = 0; i < want.size(); ++i)
        EXPECT_TRUE(close(got[i], want[i], dtype == DType::float16 ? 5e-4 : 4e-3)) << dtype << ' ' << i;
    });
  }
}

TEST_F(Cuda, NanStaysInWhatIsFused) {
  const auto count_nans = [](const Tensor& x) {
    const std::vector<float> values = x.to_vector<float>();
    return std::count_if(values.begin(), values.end(), [](float value) { return std::isnan(value); });
  };
  for_each_provider([&] {
    const Tensor x = Tensor::ones({2, 4, 3, 3}, {DType::float32, Device("cuda")});
    const Tensor w = Tensor::full({5, 4, 3, 3}, std::nan(""), x.options()),
                 b = Tensor::ones({5}, x.options());
    EXPECT_EQ(count_nans(conv2d(x, w, b, {}, Activation::relu)), 10);
    EXPECT_EQ(count_nans(linear(flatten(x, 1), flatten(w, 1), b, Activation::relu)), 10);
    EXPECT_EQ(count_nans(max_pool2d(conv2d(x, w, b), {.kernel = 1})), 10);
  });
}

}  // namespace
}  // namespace metron::test
