// Direct convolution of channels-last images in float: no im2col matrix. A register tile of adjacent outputs
// reads the lines of the image in place, or copies of them with zeros at the ends where the kernel leaves the
// image.
#pragma once

#include <metron/kernels/cpu/convolution.h>
#include <metron/kernels/cpu/gemm.h>
#include <metron/kernels/cpu/unroll.h>
#include <metron/kernels/internal/long_sums.h>

#include <cstring>

namespace metron::METRON_ISA::direct {

using V = Vec<float>;
inline constexpr Index lanes = vec_lanes<float>;
inline constexpr Index panel = panel_width<float>;

// Scratch in whole cache lines.
inline Index whole_lines(Index floats) { return (floats + 15) / 16 * 16; }
inline Index floats_of_pointers(Index count) {
  return whole_lines(count * static_cast<Index>(sizeof(void*)) / static_cast<Index>(sizeof(float)));
}

void convolve(const Convolution<float>& convolution);

// Whether the sums over pixels are short enough to be accurate: those of a block and of the blocks of a
// split.
bool is_accurate(const WeightGradient<float>& gradient);
// Overwrites gw (groups * columns, channels, taps) and, unless null, gb (groups * columns).
void weight_gradient(const WeightGradient<float>& gradient, float* gw, float* gb);

// The lines of an image as a convolution reads them: output o reads tap x at (o * step + x * tap_step) *
// pitch of a line.
class Lines {
 public:
  explicit Lines(const Gather<float>& gather)
      : gather_(gather),
        first_(gather.w.offset),
        span_((gather.w.outputs - 1) * gather.w.step + (gather.w.taps - 1) * gather.w.tap_step + 1),
        is_copied_(first_ < 0 || first_ + span_ > gather.w.inputs) {}

  Index pitch() const { return is_copied_ ? gather_.channels : gather_.pixel_stride; }
  Index step() const { return gather_.w.step * pitch(); }
  // Adjacent taps whose channels are adjacent are read as one run.
  bool is_dense() const { return gather_.w.tap_step == 1 && pitch() == gather_.channels; }
  Index runs() const { return is_dense() ? 1 : gather_.w.taps; }
  Index run_length() const { return gather_.channels * (is_dense() ? gather_.w.taps : 1); }
  Index run_stride() const { return gather_.w.tap_step * pitch(); }
  Index copy_size() const { return is_copied_ ? whole_lines(span_ * gather_.channels) : 0; }

  // The line that output line `line` of an image reads with tap y, null if outside. `copy` has copy_size()
  // elements.
  const float* at(Index image, Index group, Index line, Index tap, float* copy) const {
    const Index y = line * gather_.h.step + gather_.h.offset + tap * gather_.h.tap_step;
    if (y < 0 || y >= gather_.h.inputs) return nullptr;
    const float* const from = gather_.images +
                              (image * gather_.h.inputs + y) * gather_.w.inputs * gather_.pixel_stride +
                              group * gather_.channels;
    if (!is_copied_) return from + first_ * gather_.pixel_stride;
    const auto pixel = static_cast<std::size_t>(gather_.channels) * sizeof(float);
    for (Index i = 0; i < span_; ++i) {
      const Index x = first_ + i;
      if (x >= 0 && x < gather_.w.inputs) {
        std::memcpy(copy + i * gather_.channels, from + x * gather_.pixel_stride, pixel);
      } else {
        std::memset(copy + i * gather_.channels, 0, pixel);
      }
    }
    return copy;
  }

 private:
  const Gather<float>& gather_;
  Index first_, span_;  // input pixels that a line of outputs reads
  bool is_copied_;
};

}  // namespace metron::METRON_ISA::direct
