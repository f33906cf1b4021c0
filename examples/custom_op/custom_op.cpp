// A custom op: a kernel slot, CPU kernels, a gradient, and a row in the ranking.
// The op is the hard swish of MobileNetV3 (Howard et al., 2019): y = x * min(max(x + 3, 0), 6) / 6.
#include <metron/core/slots.h>
#include <metron/metron.h>

#include <algorithm>
#include <iostream>
#include <span>
#include <vector>

using metron::Tensor;

namespace {

// 1. The slots. Contract: x, g, y and gx are contiguous float32 tensors of one shape.
constinit metron::Slot<bool(const Tensor& x, Tensor& y)> hard_swish_forward{"hard_swish_forward"};
constinit metron::Slot<bool(const Tensor& g, const Tensor& x, Tensor& gx)> hard_swish_backward{
    "hard_swish_backward"};

// 2. The kernels. Returning false declines the call, and the next provider is tried.
bool forward_on_cpu(const Tensor& x, Tensor& y) {
  if (x.dtype() != metron::DType::float32) return false;
  const float* in = x.data<float>();
  float* out = y.mutable_data<float>();
  metron::parallel_for(x.numel(), 1 << 15, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) out[i] = in[i] * std::clamp(in[i] + 3.f, 0.f, 6.f) / 6.f;
  });
  return true;
}

bool backward_on_cpu(const Tensor& g, const Tensor& x, Tensor& gx) {
  if (x.dtype() != metron::DType::float32) return false;
  const float* upstream = g.data<float>();
  const float* in = x.data<float>();
  float* out = gx.mutable_data<float>();
  metron::parallel_for(x.numel(), 1 << 15, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float slope = in[i] <= -3.f ? 0.f : in[i] >= 3.f ? 1.f : (2.f * in[i] + 3.f) / 6.f;
      out[i] = upstream[i] * slope;
    }
  });
  return true;
}

// 3. The op: check, allocate, call the slot, record the gradient.
Tensor hard_swish(const Tensor& input) {
  const metron::OpScope scope("hard_swish");
  metron::check<metron::DTypeError>(input.dtype() == metron::DType::float32, "hard_swish",
                                    "expects float32, got ", describe(input));
  const Tensor x = input.contiguous();
  Tensor y = Tensor::empty(x.shape(), x.options());
  hard_swish_forward(x, y);
  metron::record("hard_swish", y, {&x}, metron::Backward::fused, [x = metron::saved(x)](const Tensor& g) {
    Tensor gx = Tensor::empty(g.shape(), g.options());
    hard_swish_backward(g.contiguous(), x.get(), gx);
    return gx;
  });
  return y;
}

}  // namespace

int main() {
  const metron::Provider& cpu = metron::provider("cpu");
  cpu.install(hard_swish_forward, forward_on_cpu);
  cpu.install(hard_swish_backward, backward_on_cpu);

  metron::manual_seed(1);
  // Away from the kinks at -3 and 3.
  const std::vector<Tensor> inputs{metron::rand_uniform({7, 5}, -2.5, 2.5).set_requires_grad()};
  const metron::GradcheckResult check =
      metron::gradcheck([](std::span<const Tensor> input) { return hard_swish(input[0]); }, inputs);
  std::cout << "largest difference from central differences: " << check.largest_error << ' ' << check.mismatch
            << "\n\n";

  metron::Linear first(256, 512), second(512, 256);
  const Tensor x = metron::rand_normal({128, 256});
  metron::Profiler profiler;
  profiler.start();
  for (int step = 0; step < 20; ++step) sum(second(hard_swish(first(x)))).backward();
  profiler.stop();
  std::cout << profiler.ranking().to_table();
  return check ? 0 : 1;
}
