// Tensors as channels of many elements each, for batch normalisation: (outer, channels, inner), shared out
// among tasks in a way that depends on the shape alone, so that sums don't depend on the number of threads.
#pragma once

#include <metron/kernels/cpu/tasks.h>
#include <metron/kernels/internal/formatted.h>

#include <algorithm>
#include <cmath>

namespace metron::METRON_ISA {

inline constexpr Index channel_block = 64;  // channels of a task where they are the innermost dimension
inline constexpr Index piece_rows = 64;     // pixels of a piece there
inline constexpr Index piece_size = 2048;   // elements of a piece where a channel's are dense
inline constexpr Index max_shares = 64;
inline constexpr Index elements_per_share = 16384;  // at least

// x as (outer, channels, inner), dense.
struct ChannelLayout {
  MemoryFormat format;
  Index outer, channels, inner;

  Index count() const { return outer * inner; }  // elements of a channel
  Index shares() const {
    return std::clamp<Index>(std::min(outer * channels * inner / elements_per_share, outer), 1, max_shares);
  }
};

inline ChannelLayout layout_of(const Tensor& x) {
  const Index channels = x.size(1);
  const Index count = channels == 0 ? 0 : x.numel() / channels;
  const bool channels_last = x.is_channels_last() && (!x.is_contiguous() || count == x.size(0));
  if (channels_last) return {MemoryFormat::channels_last, count, channels, 1};
  return {MemoryFormat::contiguous, x.size(0), channels, x.size(0) == 0 ? 0 : count / x.size(0)};
}

// Calls rows(share, channel, channels, first, last) or planes(share, channel, first, last) for every share of
// the outer dimension and every channel (or block of them).
template <typename Rows, typename Planes>
void for_each_share(const ChannelLayout& layout, const Rows& rows, const Planes& planes) {
  const bool by_rows = layout.inner == 1;
  const Index step = by_rows ? channel_block : 1;
  const Index blocks = ceil_div(layout.channels, step);
  const Index shares = layout.shares();
  const Index work = layout.count() * std::min(step, layout.channels) / shares;
  parallel_for(shares * blocks, grain_of(work), [&](Index first_task, Index last_task) {
    for (Index task = first_task; task < last_task; ++task) {
      const Index share = task / blocks;
      const Index channel = task % blocks * step;
      const Index first = layout.outer * share / shares;
      const Index last = layout.outer * (share + 1) / shares;
      if (by_rows) {
        rows(share, channel, std::min(step, layout.channels - channel), first, last);
      } else {
        planes(share, channel, first, last);
      }
    }
  });
}

// out[i] = formula(i, c) for every element i, which is of channel c; at(c) gives the formula of one channel.
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

// The elements of a tensor of rank 1, or a constant where it is absent.
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

// Memory for a Sums of each share and channel.
template <typename Sums>
Scratch share_sums(const ChannelLayout& layout) {
  return Scratch(layout.shares() * layout.channels * static_cast<Index>(sizeof(Sums)), DType::uint8);
}

}  // namespace metron::METRON_ISA
