// The passes of conv2d as convolutions and weight gradients of convolution.h, on channels-last operands.
// Operands in other layouts are copied.
#pragma once

#include <metron/kernels/cpu/convolution.h>
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/internal/formatted.h>

#include <algorithm>

namespace metron::METRON_ISA {

struct Windows {
  WindowAxis h, w;
};

inline Windows windows_of(const Tensor& x, const Tensor& w, const Tensor& y, const Conv2dOptions& o) {
  return {{x.size(2), y.size(2), w.size(2), o.stride.h, o.padding.h, o.dilation.h},
          {x.size(3), y.size(3), w.size(3), o.stride.w, o.padding.w, o.dilation.w}};
}

// Calls convolve(const Convolution<T>&), which writes y.
template <typename T, typename Convolve>
void forward_pass(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                  Activation activation, Tensor& y, const Convolve& convolve) {
  const Windows windows = windows_of(x, w, y, options);
  const FormattedInput image(x, MemoryFormat::channels_last, copy);
  const FormattedInput weights(w, MemoryFormat::contiguous, copy);
  const FormattedInput dense_bias(bias, MemoryFormat::contiguous, copy);
  FormattedOutput result(y, MemoryFormat::channels_last, copy);
  const Index channels = w.size(1);
  const Index columns = y.size(1) / options.groups;
  const Index taps = w.size(2) * w.size(3);
  const Index line = y.size(3) * y.size(1);
  convolve(Convolution<T>{
      .gather = {forward_gather(windows.h), forward_gather(windows.w), image.data<T>(), x.size(1), channels},
      .images = x.size(0),
      .groups = options.groups,
      .columns = columns,
      .weights = {weights.data<T>(), w.size(3), columns * channels * taps, taps, channels * taps},
      .bias = dense_bias.data<T>(),
      .relu = activation == Activation::relu,
      .result = {result.data<T>(), y.size(2) * line, line, y.size(1)}});
  result.finish();
}

// The input gradient is one convolution of g per stride phase.
template <typename T, typename Convolve>
void input_gradient_pass(const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& gx,
                         const Convolve& convolve) {
  const Windows windows = windows_of(gx, w, g, options);
  const FormattedInput image(g, MemoryFormat::channels_last, copy);
  const FormattedInput weights(w, MemoryFormat::contiguous, copy);
  FormattedOutput result(gx, MemoryFormat::channels_last, copy);
  T* const out = result.data<T>();
  const Index channels = g.size(1) / options.groups;
  const Index columns = w.size(1);
  const Index taps = w.size(2) * w.size(3);
  const Index pixel = gx.size(1);
  const Index line = gx.size(3) * pixel;
  const Size2 stride = options.stride;
  for (Index y = 0; y < std::min(stride.h, gx.size(2)); ++y) {
    for (Index x = 0; x < std::min(stride.w, gx.size(3)); ++x) {
      convolve(Convolution<T>{
          .gather = {backward_gather(windows.h, y), backward_gather(windows.w, x), image.data<T>(), g.size(1),
                     channels},
          .images = gx.size(0),
          .groups = options.groups,
          .columns = columns,
          .weights = {weights.data<T>(), w.size(3), channels * columns * taps, columns * taps, taps},
          .bias = nullptr,
          .relu = false,
          .result = {out + y * line + x * pixel, gx.size(2) * line, stride.h * line, stride.w * pixel}});
    }
  }
  result.finish();
}

// Calls compute(image, g, weights, bias) with the elements of x and g, channels-last, and of gw and gb,
// contiguous; those of an undefined gb are null.
template <typename Compute>
void weight_gradient_pass(const Tensor& g, const Tensor& x, Tensor& gw, Tensor& gb, const Compute& compute) {
  const FormattedInput image(x, MemoryFormat::channels_last, copy);
  const FormattedInput dense_g(g, MemoryFormat::channels_last, copy);
  FormattedOutput weights(gw, MemoryFormat::contiguous, copy), bias(gb, MemoryFormat::contiguous, copy);
  compute(image.data<float>(), dense_g.data<float>(), weights.data<float>(), bias.data<float>());
  weights.finish();
  bias.finish();
}

}  // namespace metron::METRON_ISA
