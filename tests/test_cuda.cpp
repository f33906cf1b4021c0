// The device cuda, real or emulated: memory, copies, and the kernels that it has so far against the portable
// ones.
#include <metron/core/autograd.h>
#include <metron/core/ops.h>

#include <algorithm>
#include <set>
#include <vector>

#include "expect_error.h"
#include "walk.h"

namespace metron::test {
namespace {

class Cuda : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_device("cuda")) GTEST_SKIP() << "this machine has no CUDA device";
  }
};

TEST_F(Cuda, CopiesThereAndBack) {
  for (const std::int64_t size : {0, 1, 7, 1000, 3'000'001}) {
    std::vector<float> values(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    const Tensor x = Tensor::from(values, {size}, "cuda");
    EXPECT_EQ(x.device(), Device("cuda"));
    EXPECT_EQ(x.to_vector<float>(), values);
    EXPECT_EQ(x.clone().to("cpu").to_vector<float>(), values);
  }
}

TEST_F(Cuda, TheCachingAllocatorReusesBlocks) {
  const Device device("cuda");
  { const Tensor x = Tensor::empty({1000}, {DType::float32, device}); }
  const MemoryStats before = memory_stats(device);
  { const Tensor x = Tensor::empty({1000}, {DType::float32, device}); }
  const MemoryStats after = memory_stats(device);
  EXPECT_EQ(after.hits, before.hits + 1);
  EXPECT_EQ(after.misses, before.misses);
  EXPECT_EQ(after.allocated, before.allocated);
}

TEST_F(Cuda, DevicesThatAreMissingAreRefused) {
  expect_error<DeviceError>([] { (void)Tensor::empty({1}, {DType::float32, "cuda:77"}); }, {"cuda:77"});
}

TEST_F(Cuda, OperandsOnTwoDevicesAreRefused) {
  expect_error<DeviceError>(
      [] {
        (void)add(Tensor::ones({2}), Tensor::ones({2}, {DType::float32, "cuda"}));
      },
      {"add", "cpu", "cuda"});
}

// The cases whose every slot call, forward and backward, has a kernel on the device.
TEST_F(Cuda, OpsAgreeWithThePortableProvider) {
  const Device device("cuda");
  int compared = 0;
  std::set<std::string> ops;
  for (const Case& c : cases()) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      SCOPED_TRACE(testing::Message() << c << ", " << dtype);
      Outcome got;
      try {
        got = run(c, dtype, device);
      } catch (const ProviderError&) {
        continue;  // it needs a kernel that is not there yet
      }
      const ProviderScope portable("cpu");
      const Outcome want = run(c, dtype, Device());
      const double allowed = dtype == DType::float64 ? 2e-13 : 2e-6;
      EXPECT_TRUE(close(got.output, want.output, allowed)) << "the output";
      for (std::size_t i = 0; i < want.gradients.size(); ++i)
        EXPECT_TRUE(close(got.gradients[i], want.gradients[i], allowed)) << "the gradient of input " << i;
      ++compared;
      ops.insert(c.op);
    }
  }
  for (const char* op : {"relu", "gelu", "exp", "tanh", "sub", "where", "eq", "cast", "contiguous"})
    EXPECT_TRUE(ops.contains(op)) << op;
  EXPECT_GT(compared, 200);
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

}  // namespace
}  // namespace metron::test
