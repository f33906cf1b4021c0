// The softmax kernels of the lab match the provider's, and each step moves fewer bytes than the previous one.
#include <metron/core/ops.h>
#include <metron/core/slots.h>
#include <metron/kernels/cuda/softmax/lab/softmax_lab.h>
#include <metron/tools/op_cases/cases.h>

#include <array>
#include <string>
#include <vector>

#include "device_test.h"
#include "op_case_runner.h"

namespace metron::test {
namespace {

struct Step {
  const char* kernel;
  void (*softmax)(const Tensor&, Tensor&);
};
const Step steps[] = {{"softmax_naive_kernel", cuda::lab::softmax_naive},
                      {"softmax_warp_kernel", cuda::lab::softmax_warp},
                      {"softmax_online_kernel", cuda::lab::softmax_online}};

class CudaSoftmaxLab : public DeviceTest {
 protected:
  Tensor tensor(std::int64_t rows, std::int64_t columns) {
    return make_tensor(make_values(in({rows, columns}), "x"), DType::float32, Layout::contiguous,
                       Device(Device::Type::cuda));
  }
};

TEST_F(CudaSoftmaxLab, EveryStepComputesTheSoftmax) {
  for (const auto& [rows, columns] : {std::array{1, 1}, std::array{3, 10}, std::array{129, 31},
                                      std::array{7, 257}, std::array{0, 5}, std::array{5, 0}}) {
    for (const double shift : {0.0, 1e4}) {  // exp(1e4) overflows
      const Tensor x = affine(tensor(rows, columns), 1, shift);
      Tensor want = Tensor::empty({rows, columns}, x.options());
      kernel::softmax(x, 1, false, want);
      for (const Step& step : steps) {
        Tensor y = Tensor::empty({rows, columns}, x.options());
        step.softmax(x, y);
        EXPECT_TRUE(close(to_array(y), to_array(want), 1e-6)) << step.kernel << ", " << x.shape();
      }
    }
  }
}

#ifdef METRON_EMULATED
TEST_F(CudaSoftmaxLab, EveryStepMovesFewerBytes) {
  const Tensor x = tensor(128, 64);
  Tensor y = Tensor::empty({128, 64}, x.options());
  std::vector<emulator::SpaceCounters> moved;
  for (const Step& step : steps) {
    for (const emulator::KernelCounters& kernel : counters_of([&] { step.softmax(x, y); }))
      if (kernel.kernel.find(step.kernel) != std::string::npos) moved.push_back(kernel.global);
  }
  ASSERT_EQ(moved.size(), 3u);
  const std::uint64_t sectors = 128 * 64 / 8;  // of x, and of y
  EXPECT_EQ(moved[0].loads.transactions, 3 * 8 * sectors);
  EXPECT_EQ(moved[1].loads.transactions, 3 * sectors);
  EXPECT_EQ(moved[2].loads.transactions, 2 * sectors);
  EXPECT_EQ(moved[0].stores.transactions, 8 * sectors);
  EXPECT_EQ(moved[1].stores.transactions, sectors);
  EXPECT_EQ(moved[2].stores.transactions, sectors);
}
#endif

}  // namespace
}  // namespace metron::test
