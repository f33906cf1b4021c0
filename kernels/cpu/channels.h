// Batch normalization views a tensor as (outer, channels, inner). The outer dimension is split into slices
// whose number depends on the shape alone, so sums do not depend on the number of threads.
#pragma once

#include <metron/kernels/cpu/moments.h>
#include <metron/kernels/cpu/tasks.h>
#include <metron/kernels/internal/formatted.h>

#include <algorithm>
#include <cmath>

namespace metron::METRON_ISA {

inline constexpr Index channel_block = 64;   // channels per task, channels-last
inline constexpr Index chunk_pixels = 64;    // per chunk, channels-last
inline constexpr Index chunk_length = 2048;  // elements per chunk of a dense channel
inline constexpr Index max_slices = 64;
inline constexpr Index elements_per_slice = 16384;  // minimum

// x as (outer, channels, inner), dense.
struct ChannelLayout {
  MemoryFormat format;
  Index outer, channels, inner;

  Index count() const { return outer * inner; }  // elements of a channel
  Index slices() const {
    return std::clamp<Index>(std::min(outer * channels * inner / elements_per_slice, outer), 1, max_slices);
  }
};

inline ChannelLayout layout_of(const Tensor& x) {
  const Index channels = x.size(1);
  const Index count = channels == 0 ? 0 : x.numel() / channels;
  const bool channels_last = x.is_channels_last() && (!x.is_contiguous() || count == x.size(0));
  if (channels_last) return {MemoryFormat::channels_last, count, channels, 1};
  return {MemoryFormat::contiguous, x.size(0), channels, x.size(0) == 0 ? 0 : count / x.size(0)};
}

// Calls rows(slice, channel, channels, first, last) or planes(slice, channel, first, last) for every slice
// [first, last) of the outer dimension and every channel or block of channels.
template <typename Rows, typename Planes>
void for_each_slice(const ChannelLayout& layout, const Rows& rows, const Planes& planes) {
  const bool by_rows = layout.inner == 1;
  const Index step = by_rows ? channel_block : 1;
  const Index blocks = ceil_div(layout.channels, step);
  const Index slices = layout.slices();
  const Index work = layout.count() * std::min(step, layout.channels) / slices;
  parallel_for(slices * blocks, grain_of(work), [&](Index first_task, Index last_task) {
    for (Index task = first_task; task < last_task; ++task) {
      const Index slice = task / blocks;
      const Index channel = task % blocks * step;
      const Index first = layout.outer * slice / slices;
      const Index last = layout.outer * (slice + 1) / slices;
      if (by_rows) {
        rows(slice, channel, std::min(step, layout.channels - channel), first, last);
      } else {
        planes(slice, channel, first, last);
      }
    }
  });
}

// out[i] = formula(i, at(c)) for every element i, where c is its channel and at(c) its coefficients.
template <typename T, typename At, typename Formula>
void for_each_element(const ChannelLayout& layout, T* out, const At& at, const Formula& formula) {
  const Index channels = layout.channels;
  if (layout.inner == 1) {
    parallel_for(layout.outer, grain_of(channels), [&](Index first, Index last) {
      for (Index row = first; row < last; ++row) {
        for (Index c = 0; c < channels; ++c) out[row * channels + c] = formula(row * channels + c, at(c));
      }
    });
    return;
  }
  parallel_for(layout.outer * channels, grain_of(layout.inner), [&](Index first, Index last) {
    for (Index plane = first; plane < last; ++plane) {
      const auto coefficients = at(plane % channels);
      for (Index i = plane * layout.inner; i < (plane + 1) * layout.inner; ++i)
        out[i] = formula(i, coefficients);
    }
  });
}

// Of channel c, in double.
template <typename T>
RowMoments<T> wide_channel_moments(const ChannelLayout& layout, const T* x, Index c) {
  return wide_moments<T>(layout.count(), [&](const auto& body) {
    for (Index plane = 0; plane < layout.outer; ++plane) {
      const T* const from = x + (plane * layout.channels + c) * layout.inner;
      for (Index i = 0; i < layout.inner; ++i) body(from[i]);
    }
  });
}

// The elements of a rank-1 tensor, or a constant if it is undefined.
template <typename T>
class ChannelValues {
 public:
  ChannelValues(const Tensor& tensor, T absent)
      : data_(tensor.defined() ? tensor.data<T>() : nullptr),
        stride_(data_ ? tensor.strides()[0] : 0),
        absent_(absent) {}
  T operator[](Index c) const { return data_ ? data_[c * stride_] : absent_; }

 private:
  const T* data_;
  Index stride_;
  T absent_;
};

template <typename T>
double inverse_deviation(T variance, double eps) {
  return 1 / std::sqrt(static_cast<double>(variance) + eps);
}

// Scratch for one Sums per slice and channel.
template <typename Sums>
Scratch slice_sums(const ChannelLayout& layout) {
  return Scratch(layout.slices() * layout.channels * static_cast<Index>(sizeof(Sums)), DType::uint8);
}

}  // namespace metron::METRON_ISA
