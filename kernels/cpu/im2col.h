// im2col: the pixels that each output of a convolution reads, as the rows of a matrix. Channels-last images.
#pragma once

#include <metron/core/options.h>
#include <metron/kernels/cpu/vec.h>

namespace metron::METRON_ISA {

// One spatial axis: output i reads, for each tap t, input i * step + offset + t * tap_step (zero if there is
// none), which kernel element kernel + t * kernel_step multiplies.
struct GatherAxis {
  Index outputs, inputs;
  Index step, offset;
  Index taps, tap_step;
  Index kernel, kernel_step;

  GatherAxis tap(Index t) const {  // that tap alone
    return {outputs, inputs, step, offset + t * tap_step, 1, 1, kernel + t * kernel_step, 1};
  }
  bool is_identity() const { return taps == 1 && step == 1 && offset == 0 && outputs == inputs; }
};

struct WindowAxis {  // of a convolution
  Index input, output, kernel, stride, padding, dilation;
};

// Outputs read inputs: the forward pass and the weight gradient.
GatherAxis forward_gather(const WindowAxis& axis);
// Inputs read the outputs that they contributed to. Only every stride-th input meets the same kernel
// elements: gathers the inputs phase, phase + stride, ... and those kernel elements alone (perhaps none).
GatherAxis backward_gather(const WindowAxis& axis, Index phase);

template <typename T>
struct Gather {
  GatherAxis h, w;
  const T* images;     // (N, H, W, pixel_stride), from the first channel that is read
  Index pixel_stride;  // channels of a whole pixel
  Index channels;      // of them read

  Index row_size() const { return h.taps * w.taps * channels; }
  Index image_outputs() const { return h.outputs * w.outputs; }
  bool is_identity() const { return h.is_identity() && w.is_identity(); }
};

// Rows first .. first + count - 1 of the matrix (N * OH * OW, taps_h * taps_w * channels).
template <typename T>
void im2col(const Gather<T>& gather, Index first, Index count, T* rows, Index row_stride);

}  // namespace metron::METRON_ISA
