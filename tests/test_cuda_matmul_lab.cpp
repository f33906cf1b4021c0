// The matrix products of the lab match the provider's, and each step moves fewer bytes than the previous one.
#include <metron/core/slots.h>
#include <metron/kernels/cuda/matmul/lab/matmul_lab.h>
#include <metron/tools/op_cases/cases.h>

#include <array>
#include <string>
#include <vector>

#include "device_test.h"
#include "op_case_runner.h"

namespace metron::test {
namespace {

using Product = void (*)(const Tensor&, const Tensor&, Tensor&);
struct Step {
  const char* kernel;
  Product multiply;
};
const Step steps[] = {{"matmul_naive_kernel", cuda::lab::matmul_naive},
                      {"matmul_coalesced_kernel", cuda::lab::matmul_coalesced},
                      {"matmul_shared_kernel", cuda::lab::matmul_shared},
                      {"matmul_registers_kernel", cuda::lab::matmul_registers}};

class CudaMatmulLab : public DeviceTest {
 protected:
  Tensor tensor(const Shape& shape, const char* seed) {
    return make_tensor(make_values(in(shape), seed), DType::float32, Layout::contiguous,
                       Device(Device::Type::cuda));
  }
};

TEST_F(CudaMatmulLab, EveryStepComputesTheProduct) {
  for (const auto& [m, k, n] : {std::array{64, 64, 64}, std::array{1, 1, 1}, std::array{67, 31, 71},
                                std::array{5, 0, 7}, std::array{130, 33, 2}}) {
    const Tensor a = tensor({m, k}, "a"), b = tensor({k, n}, "b");
    Tensor want = Tensor::empty({m, n}, a.options());
    kernel::matmul(a, b, {}, Activation::none, want);
    for (const Step& step : steps) {
      Tensor y = Tensor::empty({m, n}, a.options());
      step.multiply(a, b, y);
      EXPECT_TRUE(close(to_array(y), to_array(want), 2e-6)) << step.kernel << ", " << a.shape() << b.shape();
    }
  }
}

#ifdef METRON_EMULATED
TEST_F(CudaMatmulLab, EveryStepMovesFewerBytes) {
  const std::int64_t size = 128;
  const Tensor a = tensor({size, size}, "a"), b = tensor({size, size}, "b");
  Tensor y = Tensor::empty({size, size}, a.options());
  std::vector<emulator::KernelCounters> counted;
  for (const Step& step : steps) {
    const std::vector<emulator::KernelCounters> all = counters_of([&] { step.multiply(a, b, y); });
    ASSERT_EQ(all.size(), 1u);
    EXPECT_NE(all[0].kernel.find(step.kernel), std::string::npos) << all[0].kernel;
    counted.push_back(all[0]);
  }
  const auto loaded = [&](int step) { return counted[static_cast<std::size_t>(step)].global.loads; };
  const std::uint64_t multiply_adds = size * size * size, warps = multiply_adds / 32;
  EXPECT_EQ(loaded(0).transactions, (32 + 1) * warps);
  EXPECT_EQ(loaded(1).transactions, (1 + 4) * warps);
  EXPECT_EQ(loaded(2).transactions, (4 + 4) * warps / 32);
  EXPECT_EQ(loaded(3).transactions, (4 + 4) * warps / 64);
  EXPECT_EQ(counted[2].shared.loads.accesses, 2 * warps);
  EXPECT_EQ(counted[3].shared.loads.accesses, warps / 2);
  for (const std::size_t step : {2, 3}) {
    EXPECT_EQ(counted[step].shared.loads.ratio(), 1) << "bank conflicts";
    EXPECT_EQ(counted[step].shared.stores.ratio(), 1) << "bank conflicts";
  }
}
#endif

}  // namespace
}  // namespace metron::test
