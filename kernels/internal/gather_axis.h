// How the three passes of a convolution read an image along one spatial axis.
#pragma once

#include <cstdint>

namespace metron {

// Result i reads, for each tap t, input i * step + offset + t * tap_step (zero if there is none), which
// kernel element kernel + t * kernel_step multiplies.
struct GatherAxis {
  std::int64_t outputs, inputs;
  std::int64_t step, offset;
  std::int64_t taps, tap_step;
  std::int64_t kernel, kernel_step;

  GatherAxis tap(std::int64_t t) const;  // that tap alone
  bool is_identity() const;
};

struct WindowAxis {  // of a convolution
  std::int64_t input, output, kernel, stride, padding, dilation;
};

// Outputs read inputs: the forward pass and the weight gradient.
GatherAxis forward_gather(const WindowAxis& axis);
// Inputs read the outputs that they contributed to. Only every stride-th input meets the same kernel
// elements: gathers the inputs phase, phase + stride, ... and those kernel elements alone (perhaps none).
GatherAxis backward_gather(const WindowAxis& axis, std::int64_t phase);

}  // namespace metron
