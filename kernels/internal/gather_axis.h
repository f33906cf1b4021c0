// Access pattern of a convolution pass along one spatial axis of its image.
#pragma once

#include <cstdint>

namespace metron {

// For tap t, result i reads input i * step + offset + t * tap_step (zero if out of range) and multiplies it
// by kernel element kernel + t * kernel_step.
struct GatherAxis {
  std::int64_t outputs, inputs;
  std::int64_t step, offset;
  std::int64_t taps, tap_step;
  std::int64_t kernel, kernel_step;

  GatherAxis tap(std::int64_t t) const;  // tap t alone
  bool is_identity() const;
};

struct WindowAxis {  // of a convolution
  std::int64_t input, output, kernel, stride, padding, dilation;
};

// Outputs gather inputs: the forward pass and the weight gradient.
GatherAxis forward_gather(const WindowAxis& axis);
// Inputs gather the outputs they contributed to. Only every stride-th input has the same kernel elements:
// this gathers the inputs phase, phase + stride, ... and their kernel elements (possibly none).
GatherAxis backward_gather(const WindowAxis& axis, std::int64_t phase);

}  // namespace metron
