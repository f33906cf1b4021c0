// The naive convolution kernel of the lab matches the provider's and issues several times its loads.
#include <metron/core/slot.h>
#include <metron/core/slots.h>
#include <metron/kernels/cuda/conv/lab/convolution_lab.h>
#include <metron/tools/op_cases/cases.h>

#include "device_test.h"
#include "op_case_runner.h"

namespace metron::test {
namespace {

class CudaConvolutionLab : public DeviceTest {
 protected:
  static Tensor tensor(const Shape& shape, const char* seed) {
    return make_tensor(make_values(in(shape), seed), DType::float32, Layout::contiguous,
                       Device(Device::Type::cuda));
  }

 private:
  const ProviderScope only_{"cuda"};
};

TEST_F(CudaConvolutionLab, NaiveComputesTheConvolution) {
  struct {
    Shape x, w, y;
    Conv2dOptions options;
  } const problems[] = {{{2, 3, 7, 9}, {4, 3, 3, 3}, {2, 4, 5, 7}, {}},
                        {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}, {}},
                        {{2, 6, 11, 9},
                         {4, 3, 3, 2},
                         {2, 4, 6, 10},
                         {.stride = {2, 1}, .padding = {2, 2}, .dilation = {1, 3}, .groups = 2}},
                        {{0, 2, 4, 4}, {3, 2, 3, 3}, {0, 3, 2, 2}, {}}};
  for (const auto& p : problems) {
    const Tensor x = tensor(p.x, "x"), w = tensor(p.w, "w");
    Tensor want = Tensor::empty(p.y, x.options()), y = Tensor::empty(p.y, x.options());
    kernel::conv2d_forward(x, w, {}, p.options, Activation::none, want);
    cuda::lab::convolution_naive(x, w, p.options, y);
    EXPECT_TRUE(close(to_array(y), to_array(want), 2e-6)) << p.x << p.w;
  }
}

#ifdef METRON_EMULATED
TEST_F(CudaConvolutionLab, TheGemmLoadsAFractionOfNaive) {
  const Tensor x = tensor({2, 32, 12, 12}, "x"), w = tensor({64, 32, 3, 3}, "w");
  Tensor y = Tensor::empty({2, 64, 10, 10}, x.options());
  const auto loads_of = [](const auto& run) {
    std::uint64_t accesses = 0;
    for (const auto& kernel : counters_of(run)) accesses += kernel.global.loads.accesses;
    return accesses;
  };
  const std::uint64_t naive = loads_of([&] { cuda::lab::convolution_naive(x, w, {}, y); });
  const std::uint64_t product = loads_of([&] { kernel::conv2d_forward(x, w, {}, {}, Activation::none, y); });
  EXPECT_GT(product, 0u);
  EXPECT_LT(20 * product, naive);
}
#endif

}  // namespace
}  // namespace metron::test
