// The sums of the lab are correct, and each step adds less overhead to its loads than the previous one.
#include <metron/core/ops.h>
#include <metron/kernels/cuda/reduce/lab/reduce_lab.h>
#include <metron/tools/op_cases/cases.h>

#include <string>
#include <vector>

#include "device_test.h"
#include "op_case_runner.h"

namespace metron::test {
namespace {

struct Step {
  const char* kernel;
  void (*reduce)(const Tensor&, Tensor&);
};
const Step steps[] = {{"reduce_atomic_kernel", cuda::lab::reduce_atomic},
                      {"reduce_shared_kernel", cuda::lab::reduce_shared},
                      {"reduce_shuffle_kernel", cuda::lab::reduce_shuffle}};

class CudaReduceLab : public DeviceTest {
 protected:
  Tensor tensor(std::int64_t size) {
    return make_tensor(make_values(in({size}), "x"), DType::float32, Layout::contiguous,
                       Device(Device::Type::cuda));
  }
};

TEST_F(CudaReduceLab, EveryStepComputesTheSum) {
  for (const std::int64_t size : {0, 1, 31, 255, 256, 257, 4096, 4097, 70'001}) {
    const Tensor x = tensor(size);
    const naive::Array want = to_array(sum(x.to("cpu").to(DType::float64)));
    for (const Step& step : steps) {
      Tensor y = Tensor::empty({}, x.options());
      step.reduce(x, y);
      EXPECT_TRUE(close(to_array(y), want, 1e-4)) << step.kernel << ", " << size;
    }
  }
}

#ifdef METRON_EMULATED
TEST_F(CudaReduceLab, EveryStepExecutesFewerInstructions) {
  constexpr std::int64_t size = 8192;
  const Tensor x = tensor(size);
  Tensor y = Tensor::empty({}, x.options());
  std::vector<emulator::KernelCounters> counted;
  for (const Step& step : steps) {
    for (const emulator::KernelCounters& kernel : counters_of([&] { step.reduce(x, y); }))
      if (kernel.kernel.find(step.kernel) != std::string::npos) counted.push_back(kernel);
  }
  ASSERT_EQ(counted.size(), 3u);
  const auto shared = [&](std::size_t step) {
    return counted[step].shared.loads.accesses + counted[step].shared.stores.accesses;
  };
  EXPECT_EQ(counted[0].global.atomics.lanes, static_cast<std::uint64_t>(size));
  EXPECT_EQ(counted[1].global.atomics.lanes, 0u);
  EXPECT_EQ(counted[2].global.atomics.lanes, 0u);
  EXPECT_GT(shared(1), 20 * shared(2));
  for (const emulator::KernelCounters& kernel : counted)
    EXPECT_EQ(kernel.global.loads.ratio(), 1) << kernel.kernel;
}
#endif

}  // namespace
}  // namespace metron::test
