// im2col for channels-last images: each row of the matrix holds the receptive field of one output.
#pragma once

#include <metron/core/options.h>
#include <metron/kernels/cpu/vec.h>
#include <metron/kernels/internal/gather_axis.h>

namespace metron::METRON_ISA {

template <typename T>
struct Gather {
  GatherAxis h, w;
  const T* images;     // (N, H, W, pixel_stride), offset to the first channel read
  Index pixel_stride;  // channels stored per pixel
  Index channels;      // channels read per pixel

  Index row_size() const { return h.taps * w.taps * channels; }
  Index image_outputs() const { return h.outputs * w.outputs; }
  bool is_identity() const { return h.is_identity() && w.is_identity(); }
};

// Rows first .. first + count - 1 of the matrix (N * OH * OW, taps_h * taps_w * channels).
template <typename T>
void im2col(const Gather<T>& gather, Index first, Index count, T* rows, Index row_stride);

}  // namespace metron::METRON_ISA
