// Pooling geometry for the forward and backward passes.
#pragma once

#include <metron/kernels/cpu/tasks.h>
#include <metron/kernels/internal/formatted.h>

#include <algorithm>

namespace metron::METRON_ISA {

struct Range {
  Index first, last;  // [first, last)
};

struct PoolAxis {
  Index input, output, kernel, stride, padding;

  Index start(Index o) const { return o * stride - padding; }  // of the window of output o
  // The in-bounds elements of a window.
  Range inside(Index window_start) const {
    return {std::max<Index>(-window_start, 0), std::min(kernel, input - window_start)};
  }
  // The outputs whose window element k is in bounds.
  Range outputs_at(Index k) const {
    const Index end = std::max<Index>(input + padding - k, 0);
    return {std::min(ceil_div(std::max<Index>(padding - k, 0), stride), output),
            std::min(ceil_div(end, stride), output)};
  }
  // The outputs whose windows contain input i.
  Range windows_of(Index i) const {
    return {ceil_div(std::max<Index>(i + padding - kernel + 1, 0), stride),
            std::min((i + padding) / stride + 1, output)};
  }
};

struct Pool {
  Index images, channels;
  PoolAxis h, w;
  Index window_size() const { return h.kernel * w.kernel; }
  // Upper bound of the in-bounds elements of a window.
  Index window_work() const { return std::min(h.kernel, h.input) * std::min(w.kernel, w.input); }
};

inline Pool pool_of(const Tensor& x, const Tensor& y, const Pool2dOptions& o) {
  return {x.size(0),
          x.size(1),
          {x.size(2), y.size(2), o.kernel.h, o.stride.h, o.padding.h},
          {x.size(3), y.size(3), o.kernel.w, o.stride.w, o.padding.w}};
}

}  // namespace metron::METRON_ISA
