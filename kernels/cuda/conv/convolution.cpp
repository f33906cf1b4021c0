// Convolution slots: the choice of an algorithm, and its arguments.
#include <metron/kernels/cuda/conv/convolution.h>
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/internal/long_sums.h>

#include <algorithm>
#include <cmath>

namespace metron::cuda {
namespace {

thread_local ConvAlgorithmScope::Forced forced;

ConvAxis narrow(const GatherAxis& axis) {
  return {static_cast<int>(axis.inputs), static_cast<int>(axis.step), static_cast<int>(axis.offset),
          static_cast<int>(axis.taps), static_cast<int>(axis.tap_step)};
}

// Avoids a division by 0 where there are no pixels or taps.
Divisor divisor(std::int64_t size) { return Divisor(std::max<std::int64_t>(size, 1)); }

Tensor empty_contiguous(const Tensor& like) { return Tensor::empty(like.shape(), like.options()); }

// The kernels require contiguous operands: channels-last ones are copied.
Tensor as_contiguous(const Tensor& x) {
  if (x.is_contiguous()) return x;
  Tensor dense = empty_contiguous(x);
  copy(x, dense);
  return dense;
}

template <typename T>
void compute(ConvAlgorithm algorithm, Device device, const Convolution<T>& convolution) {
  if (algorithm == ConvAlgorithm::direct) {
    direct_convolution(device, convolution);
  } else {
    implicit_gemm(device, convolution);
  }
}

template <typename T>
void forward(ConvAlgorithm algorithm, const ConvSizes& sizes, const Tensor& x, const Tensor& w,
             const Tensor& bias, Activation activation, Tensor& y) {
  const std::int64_t plane = y.size(2) * y.size(3);
  compute(algorithm, y.device(),
          Convolution<T>{.image = {sizes, x.data<T>()},
                         .rows = static_cast<int>(sizes.rows),
                         .groups = static_cast<int>(sizes.groups),
                         .weights = w.data<T>(),
                         .weight_group = sizes.rows * sizes.depth(),
                         .weight_row = static_cast<int>(sizes.depth()),
                         .weight_channel = static_cast<int>(sizes.taps()),
                         .weight_line = static_cast<int>(w.size(3)),
                         .weight_tap = 1,
                         .bias = bias.defined() ? bias.data<T>() : nullptr,
                         .relu = activation == Activation::relu,
                         .result = y.mutable_data<T>(),
                         .result_image = y.size(1) * plane,
                         .result_channel = static_cast<int>(plane),
                         .result_line = static_cast<int>(y.size(3)),
                         .result_pixel = 1});
}

// One phase of the stride. The weights are read from the phase's last tap to its first.
template <typename T>
void backward_input(ConvAlgorithm algorithm, const ConvSizes& sizes, Size2 phase, Size2 stride,
                    const Tensor& g, const Tensor& w, Tensor& gx) {
  const std::int64_t taps = w.size(2) * w.size(3);
  const std::int64_t plane = gx.size(2) * gx.size(3);
  compute(algorithm, gx.device(),
          Convolution<T>{.image = {sizes, g.data<T>()},
                         .rows = static_cast<int>(sizes.rows),
                         .groups = static_cast<int>(sizes.groups),
                         .weights = w.data<T>() + sizes.h.kernel * w.size(3) + sizes.w.kernel,
                         .weight_group = sizes.channels * sizes.rows * taps,
                         .weight_row = static_cast<int>(taps),
                         .weight_channel = static_cast<int>(sizes.rows * taps),
                         .weight_line = static_cast<int>(sizes.h.kernel_step * w.size(3)),
                         .weight_tap = static_cast<int>(sizes.w.kernel_step),
                         .result = gx.mutable_data<T>() + phase.h * gx.size(3) + phase.w,
                         .result_image = gx.size(1) * plane,
                         .result_channel = static_cast<int>(plane),
                         .result_line = static_cast<int>(stride.h * gx.size(3)),
                         .result_pixel = static_cast<int>(stride.w)});
}

ConvSizes forward_sizes(const ConvWindows& windows, std::int64_t images, const Tensor& w,
                        const Conv2dOptions& options) {
  return {.h = forward_gather(windows.h),
          .w = forward_gather(windows.w),
          .images = images,
          .groups = options.groups,
          .channels = w.size(1),
          .rows = w.size(0) / options.groups};
}

ConvSizes backward_sizes(const ConvWindows& windows, Size2 phase, std::int64_t images, const Tensor& w,
                         const Conv2dOptions& options) {
  return {.h = backward_gather(windows.h, phase.h),
          .w = backward_gather(windows.w, phase.w),
          .images = images,
          .groups = options.groups,
          .channels = w.size(0) / options.groups,
          .rows = w.size(1)};
}

}  // namespace

ConvAlgorithmScope::ConvAlgorithmScope(ConvAlgorithm algorithm, std::int64_t column_bytes)
    : previous_(forced) {
  forced = {algorithm, column_bytes};
}
ConvAlgorithmScope::~ConvAlgorithmScope() { forced = previous_; }

ConvWindows windows_of(const Tensor& x, const Tensor& w, const Tensor& y, const Conv2dOptions& o) {
  return {{x.size(2), y.size(2), w.size(2), o.stride.h, o.padding.h, o.dilation.h},
          {x.size(3), y.size(3), w.size(3), o.stride.w, o.padding.w, o.dilation.w}};
}

bool is_narrow(const ConvSizes& s) {
  // Slightly below 2^31: a tile may extend past the last pixel.
  constexpr double limit = 0x1p31 - 0x1p10;
  const auto real = [](std::int64_t size) { return static_cast<double>(size); };
  const auto reach = [&](const GatherAxis& axis) {  // of the taps, from 0
    const double first = real(axis.offset);
    const double last = first + real(axis.outputs) * real(axis.step) + real(axis.taps) * real(axis.tap_step);
    return std::max({std::abs(first), std::abs(last), real(axis.inputs)}) + 1;
  };
  const double image = real(s.channels) * real(s.h.inputs) * real(s.w.inputs) + reach(s.h) * reach(s.w);
  const double weights = real(s.groups) * real(s.rows) * real(s.depth() + 8);
  const double pixels = real(s.pixels()) * real(s.groups);
  const double result = real(s.plane()) * real(s.rows) * real(s.groups);
  return std::max(reach(s.h), reach(s.w)) < 0x1p30 && std::max({image, weights, pixels, result}) < limit;
}

ConvAlgorithm choose_product(const ConvSizes& s, std::int64_t phases) {
  if (forced.algorithm) return *forced.algorithm;
  // A large stride leaves few taps per phase: one GEMM over all of them beats a launch per phase.
  if (!is_narrow(s) || phases > 16) return ConvAlgorithm::im2col;
  if (s.depth() > max_chained_terms) return ConvAlgorithm::im2col;  // our matmul splits k
  // Few blocks with a long reduction: our matmul's split-K fills the device and rounds less.
  const std::int64_t tiles = ceil_div(s.rows, 64) * ceil_div(s.pixels(), 128) * s.groups;
  if (s.depth() >= 2048 && tiles < 16) return ConvAlgorithm::im2col;
  // Implicit GEMM tiles are 32 rows x 128 pixels x 8 deep: mostly padding for one channel or few rows.
  // Depthwise layers have one of both.
  if (s.channels == 1 || s.rows <= 8) return ConvAlgorithm::direct;
  return ConvAlgorithm::implicit_gemm;
}

ConvAlgorithm choose_weight_gradient(const ConvSizes& s) {
  if (forced.algorithm) return *forced.algorithm;
  if (!is_narrow(s)) return ConvAlgorithm::im2col;
  // Implicit GEMM tiles are 32 rows x 128 columns, the taps of all channels: mostly padding for one channel.
  return s.channels == 1 ? ConvAlgorithm::direct : ConvAlgorithm::implicit_gemm;
}

template <typename T>
GatheredImage<T>::GatheredImage(const ConvSizes& s, const T* image)
    : h(narrow(s.h)),
      w(narrow(s.w)),
      channels(static_cast<int>(s.channels)),
      depth(static_cast<int>(s.depth())),
      pixels(static_cast<int>(s.pixels())),
      plane(divisor(s.plane())),
      width(divisor(s.w.outputs)),
      taps(divisor(s.taps())),
      tap_width(divisor(s.w.taps)),
      data(image),
      image_stride(s.groups * s.channels * s.h.inputs * s.w.inputs),
      channel_stride(static_cast<int>(s.h.inputs * s.w.inputs)) {}

template struct GatheredImage<float>;
template struct GatheredImage<double>;

bool conv2d_forward(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                    Activation activation, Tensor& y) {
  return visit_dtype<float, double>(y.dtype(), [&]<typename T>() {
    if (y.numel() == 0) return;
    const ConvSizes sizes = forward_sizes(windows_of(x, w, y, options), x.size(0), w, options);
    const ConvAlgorithm algorithm = choose_product(sizes, 1);
    const Tensor image = as_contiguous(x);
    Tensor result = y.is_contiguous() ? y : empty_contiguous(y);
    if (algorithm == ConvAlgorithm::im2col) {
      im2col_forward(image, w, bias, options, activation, result, forced.column_bytes);
    } else {
      forward<T>(algorithm, sizes, image, w, bias, activation, result);
    }
    if (!result.is_same(y)) copy(result, y);
  });
}

bool conv2d_backward_input(const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& gx) {
  return visit_dtype<float, double>(gx.dtype(), [&]<typename T>() {
    if (gx.numel() == 0) return;
    const ConvWindows windows = windows_of(gx, w, g, options);
    const Size2 phases(std::min(options.stride.h, gx.size(2)), std::min(options.stride.w, gx.size(3)));
    const auto sizes_of = [&](Size2 phase) { return backward_sizes(windows, phase, gx.size(0), w, options); };
    const ConvAlgorithm algorithm = choose_product(sizes_of({0, 0}), phases.h * phases.w);
    const Tensor image = as_contiguous(g);
    Tensor result = gx.is_contiguous() ? gx : empty_contiguous(gx);
    if (algorithm == ConvAlgorithm::im2col) {
      im2col_backward_input(image, w, options, result, forced.column_bytes);
    } else {
      for (Size2 phase; phase.h < phases.h; ++phase.h) {
        for (phase.w = 0; phase.w < phases.w; ++phase.w)
          backward_input<T>(algorithm, sizes_of(phase), phase, options.stride, image, w, result);
      }
    }
    if (!result.is_same(gx)) copy(result, gx);
  });
}

bool conv2d_backward_weight(const Tensor& g, const Tensor& x, const Conv2dOptions& options, Tensor& gw,
                            Tensor& gb) {
  return visit_dtype<float, double>(gw.dtype(), [&]<typename T>() {
    if (gw.size(0) == 0 || (gw.numel() == 0 && !gb.defined())) return;
    const ConvSizes sizes = forward_sizes(windows_of(x, gw, g, options), x.size(0), gw, options);
    const ConvAlgorithm algorithm = choose_weight_gradient(sizes);
    const Tensor image = as_contiguous(x), gradient = as_contiguous(g);
    if (algorithm == ConvAlgorithm::im2col) {
      im2col_backward_weight(gradient, image, options, gw, gb, forced.column_bytes);
      return;
    }
    // The bias has a gradient even without channels. The implicit GEMM computes it.
    const bool is_direct = algorithm == ConvAlgorithm::direct && sizes.channels > 0;
    WeightGradient<T> problem{.image = {sizes, image.data<T>()},
                              .rows = static_cast<int>(sizes.rows),
                              .groups = static_cast<int>(sizes.groups),
                              .g = gradient.data<T>(),
                              .with_bias = gb.defined()};
    constexpr std::int64_t sector_elements = 8;
    problem.row_stride =
        is_direct ? problem.columns()
                  : static_cast<int>(ceil_div(problem.columns(), sector_elements) * sector_elements);
    T* const bias = gb.defined() ? gb.mutable_data<T>() : nullptr;
    if (is_direct) {
      direct_weight_gradient(gw.device(), problem, gw.mutable_data<T>(), bias, forced.column_bytes);
    } else {
      implicit_weight_gradient(gw.device(), problem, gw.mutable_data<T>(), bias, forced.column_bytes);
    }
  });
}

}  // namespace metron::cuda
