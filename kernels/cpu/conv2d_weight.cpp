// Weight gradient of a convolution: (1 + taps * channels, pixels) x (pixels, out channels). The left matrix
// is im2col transposed, with a row of ones on top whose product is the bias gradient.
//
// Split-K over the pixels: a task is one split of one group, for all taps or a single one. The splits depend
// on the shapes alone and are summed in order, so the result does not depend on the number of threads. A
// split has at most max_chained_terms pixels. If there are more of them than splits can hold, passes over
// parts of the pixels are summed in double. Memory traffic: at least the image and g once, and the gradient
// once per split.
#include <metron/kernels/cpu/convolution.h>
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/gemm.h>
#include <metron/kernels/cpu/tasks.h>
#include <metron/kernels/internal/formatted.h>

#include <algorithm>

namespace metron::METRON_ISA {
namespace {

constexpr Index gradient_bytes = 1024 * 1024;     // per task; larger gradients are computed tap by tap
constexpr Index splits_bytes = 16 * 1024 * 1024;  // partial gradients of all splits
constexpr Index max_splits = 32;
constexpr Index pixels_per_split = 1024;  // minimum
constexpr Index depthwise_channels = 64;  // per task

// The pixels, group and taps of a task.
struct Part {
  PixelRange pixels;
  Index group;
  Index tap, taps;
};

template <typename T>
void add_pixels(const WeightGradient<T>& gradient, const Part& part, T* scratch, T* result) {
  Gather<T> gather = gradient.gather;
  gather.images += part.group * gather.channels;
  if (part.taps < gradient.taps()) {
    gather.h = gather.h.tap(part.tap / gradient.gather.w.taps);
    gather.w = gather.w.tap(part.tap % gradient.gather.w.taps);
  }
  const Index ones = part.tap == 0 ? 1 : 0;
  const Index rows = ones + gather.row_size();
  const Index channels = gradient.groups * gradient.columns;
  T* const packed_g = scratch + k_block * rows;
  T* const c = result + part.group * gradient.group_size() +
               (part.tap == 0 ? 0 : 1 + part.tap * gather.channels) * gradient.columns;
  Index first = part.pixels.first;
  do {
    const Index run = std::min(k_block, part.pixels.last - first);
    im2col(gather, first, run, scratch + ones, rows);
    for (Index i = 0; i < ones * run; ++i) scratch[i * rows] = 1;
    const T* const g = gradient.g + first * channels + part.group * gradient.columns;
    for (Index j = 0; j < gradient.columns; j += panel_width<T>)
      pack_panel(run, std::min(panel_width<T>, gradient.columns - j), g + j, channels, 1,
                 packed_g + j * k_block);
    multiply<T>({.m = rows,
                 .n = gradient.columns,
                 .k = run,
                 .a = scratch,
                 .a_stride = rows,
                 .a_is_transposed = true,
                 .b = packed_g,
                 .b_stride = k_block * panel_width<T>,
                 .c = c,
                 .c_row = gradient.columns,
                 .c_column = 1,
                 .accumulate = first > part.pixels.first,
                 .bias = nullptr,
                 .relu = false});
    first += run;
  } while (first < part.pixels.last);
}

// `partials` is (splits, groups, rows, columns). The first split accumulates the sum.
template <typename T>
void sum_splits(T* partials, Index count, Index size) {
  parallel_for(size, grain_of(count), [&](Index first, Index last) {
    for (Index split = 1; split < count; ++split) {
      const T* const from = partials + split * size;
      for (Index i = first; i < last; ++i) partials[i] += from[i];
    }
  });
}

// The split-K factor.
template <typename T>
Index splits_of(const WeightGradient<T>& gradient) {
  const Index fitting = splits_bytes / (gradient.size() * static_cast<Index>(sizeof(T)));
  return std::clamp<Index>(std::min(gradient.pixels / pixels_per_split, fitting), 1, max_splits);
}

// Over `range`. `result` is (splits, groups, rows, columns). The sum is stored in the first split.
template <typename T>
void weight_gradient(const WeightGradient<T>& gradient, PixelRange range, Index count, T* result) {
  const Index size = gradient.size(), pixels = range.last - range.first;
  const auto pixels_of = [=](Index split) {
    return PixelRange{range.first + pixels * split / count, range.first + pixels * (split + 1) / count};
  };
  if (gradient.is_depthwise()) {
    const Index blocks = ceil_div(gradient.groups, depthwise_channels);
    const auto run = [&](Index task, T* scratch) {
      const Index first = task % blocks * depthwise_channels;
      const Index last = std::min(first + depthwise_channels, gradient.groups);
      T* const to = result + task / blocks * size;
      depthwise_gradient(gradient, pixels_of(task / blocks), first, last, scratch, to);
    };
    const Index scratch_size = gradient.rows() * depthwise_channels;
    for_each_task<T>(count * blocks, pixels / count * scratch_size, scratch_size, run);
  } else {
    const bool by_tap = gradient.group_size() * static_cast<Index>(sizeof(T)) > gradient_bytes ||
                        count * gradient.groups < num_threads();
    const Index taps = by_tap ? 1 : gradient.taps();
    const Index tap_tasks = gradient.taps() / taps;
    const Index rows = 1 + taps * gradient.gather.channels;
    const Index padded_columns = ceil_div(gradient.columns, panel_width<T>) * panel_width<T>;
    const auto run = [&](Index task, T* scratch) {
      const Index split = task / tap_tasks / gradient.groups;
      const Part part{.pixels = pixels_of(split),
                      .group = task / tap_tasks % gradient.groups,
                      .tap = task % tap_tasks * taps,
                      .taps = taps};
      add_pixels(gradient, part, scratch, result + split * size);
    };
    const Index work = pixels / count * rows * gradient.columns / products_per_element;
    for_each_task<T>(count * gradient.groups * tap_tasks, work, k_block * (rows + padded_columns), run);
  }
  sum_splits(result, count, size);
}

// Over all pixels. The sum is stored in the first split of `result`.
template <typename T>
void whole_gradient(const WeightGradient<T>& gradient, Index count, T* result) {
  const Index size = gradient.size(), passes = ceil_div(gradient.pixels, count * max_chained_terms);
  if (passes <= 1) return weight_gradient(gradient, {0, gradient.pixels}, count, result);
  const Scratch scratch(size, DType::float64);
  double* const totals = scratch.data<double>();
  std::fill_n(totals, size, 0.0);
  for (Index pass = 0; pass < passes; ++pass) {
    const PixelRange range{gradient.pixels * pass / passes, gradient.pixels * (pass + 1) / passes};
    weight_gradient(gradient, range, count, result);
    for (Index i = 0; i < size; ++i) totals[i] += static_cast<double>(result[i]);
  }
  for (Index i = 0; i < size; ++i) result[i] = static_cast<T>(totals[i]);
}

// gw (O, C / groups, KH, KW) and gb (O) from (groups, rows, columns). Blocks of output channels: reads are
// contiguous across the block, writes along each channel's weights.
template <typename T>
void store_gradient(const WeightGradient<T>& gradient, const T* from, T* weights, T* bias,
                    Index bias_stride) {
  const Index channels = gradient.gather.channels;
  const Index taps = gradient.taps();
  const Index blocks = ceil_div(gradient.columns, panel_width<T>);
  const auto store_blocks = [&](Index first, Index last) {
    for (Index block = first; block < last; ++block) {
      const Index column = block % blocks * panel_width<T>;
      const Index count = std::min(panel_width<T>, gradient.columns - column);
      const Index output = block / blocks * gradient.columns + column;
      const T* const group = from + block / blocks * gradient.group_size() + column;
      for (Index o = 0; o < count && bias != nullptr; ++o) bias[(output + o) * bias_stride] = group[o];
      for (Index c = 0; c < channels; ++c) {
        for (Index t = 0; t < taps; ++t) {
          const T* const row = group + (1 + t * channels + c) * gradient.columns;
          for (Index o = 0; o < count; ++o) weights[((output + o) * channels + c) * taps + t] = row[o];
        }
      }
    }
  };
  parallel_for(gradient.groups * blocks, grain_of(panel_width<T> * channels * taps), store_blocks);
}

}  // namespace

bool conv2d_backward_weight(const Tensor& g, const Tensor& x, const Conv2dOptions& options, Tensor& gw,
                            Tensor& gb) {
  return visit_dtype<float, double>(gw.dtype(), [&]<typename T>() {
    FormattedOutput weights(gw, MemoryFormat::contiguous, copy);
    T* const out = weights.data<T>();
    T* const bias = gb.defined() ? gb.mutable_data<T>() : nullptr;
    const Index bias_stride = gb.defined() ? gb.strides()[0] : 0;
    if (gw.size(0) == 0) return;

    const FormattedInput image(x, MemoryFormat::channels_last, copy);
    const FormattedInput dense_g(g, MemoryFormat::channels_last, copy);
    const WeightGradient<T> gradient{
        .gather = {forward_gather({x.size(2), g.size(2), gw.size(2), options.stride.h, options.padding.h,
                                   options.dilation.h}),
                   forward_gather({x.size(3), g.size(3), gw.size(3), options.stride.w, options.padding.w,
                                   options.dilation.w}),
                   image.data<T>(), x.size(1), gw.size(1)},
        .pixels = g.size(0) * g.size(2) * g.size(3),
        .groups = options.groups,
        .g = dense_g.data<T>(),
        .columns = gw.size(0) / options.groups};
    const Index splits = splits_of(gradient);
    const Scratch sums(splits * gradient.size(), dtype_of<T>);
    whole_gradient(gradient, splits, sums.data<T>());
    store_gradient(gradient, sums.data<T>(), out, bias, bias_stride);
    weights.finish();
  });
}

}  // namespace metron::METRON_ISA
