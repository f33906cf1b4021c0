// The kernels of the device cuda, real or emulated, against the portable ones.
#include <metron/core/autograd.h>
#include <metron/core/ops.h>

#include <algorithm>
#include <set>
#include <vector>

#include "device_test.h"
#include "walk.h"

namespace metron::test {
namespace {

class Cuda : public DeviceTest {};

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
