// Gradients of batch normalization: one pass over g and x for the sums of each channel, one for the result. A
// task is a slice of the batch and a block of channels. Memory traffic: at least g and x twice and gx once.
#include <metron/kernels/cpu/channels.h>
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/fold.h>

#include <algorithm>
#include <cmath>

namespace metron::METRON_ISA {
namespace {

// Per-channel sums from which gx, gw and gb are computed.
struct GradientSums {
  double g = 0, projection = 0;  // sums of g and of g * (x - mean)
};

template <typename T>
void channel_sums(const ChannelLayout& layout, const T* g, const T* x, const T* mean, GradientSums* sums) {
  const Index channels = layout.channels;
  for_each_slice(
      layout,
      [&](Index slice, Index channel, Index count, Index first, Index last) {
        GradientSums* const into = sums + slice * channels + channel;
        std::fill_n(into, count, GradientSums());
        for (Index begin = first; begin < last; begin += chunk_pixels) {
          T sum[channel_block] = {}, projection[channel_block] = {};
          for (Index row = begin; row < std::min(begin + chunk_pixels, last); ++row) {
            const Index at = row * channels + channel;
            for (Index c = 0; c < count; ++c) {
              sum[c] += g[at + c];
              projection[c] += g[at + c] * (x[at + c] - mean[channel + c]);
            }
          }
          for (Index c = 0; c < count; ++c) {
            into[c].g += static_cast<double>(sum[c]);
            into[c].projection += static_cast<double>(projection[c]);
          }
        }
      },
      [&](Index slice, Index channel, Index first, Index last) {
        GradientSums& into = sums[slice * channels + channel] = GradientSums();
        const T channel_mean = mean[channel];
        for (Index plane = first; plane < last; ++plane) {
          const T* const from_g = g + (plane * channels + channel) * layout.inner;
          const T* const from_x = x + (plane * channels + channel) * layout.inner;
          for (Index i = 0; i < layout.inner; i += chunk_length) {
            const Index n = std::min(chunk_length, layout.inner - i);
            into.g += static_cast<double>(fold<T>(Sum<T>(), n, [&](Index j) { return from_g[i + j]; }));
            into.projection += static_cast<double>(fold<T>(
                Sum<T>(), n, [&](Index j) { return from_g[i + j] * (from_x[i + j] - channel_mean); }));
          }
        }
      });
  for (Index slice = 1; slice < layout.slices(); ++slice) {
    for (Index c = 0; c < channels; ++c) {
      sums[c].g += sums[slice * channels + c].g;
      sums[c].projection += sums[slice * channels + c].projection;
    }
  }
}

// Coefficients of one channel: gx = (g - offset - (x - mean) * slope) * scale.
template <typename T>
struct InputGradient {
  T mean, offset, slope, scale;
};

}  // namespace

bool batch_norm_backward(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                         const Tensor& variance, bool batch_statistics, double eps, Tensor& gx, Tensor& gw,
                         Tensor& gb) {
  return visit_dtype<float, double>(gx.dtype(), [&]<typename T>() {
    const ChannelLayout layout = layout_of(x);
    const Index channels = layout.channels;
    const FormattedInput gradient(g, layout.format, copy), input(x, layout.format, copy);
    FormattedOutput result(gx, layout.format, copy);
    const T* const from_g = gradient.data<T>();
    const T* const from_x = input.data<T>();
    T* const out = result.data<T>();

    const ChannelValues<T> means(mean, 0), variances(variance, 1), scales(w, 1);
    const Scratch coefficients(4 * channels, dtype_of<T>), exact(2 * channels, DType::float64);
    T* const channel_mean = coefficients.data<T>();
    T* const offset = channel_mean + channels;
    T* const slope = offset + channels;
    T* const scale = slope + channels;
    double* const inverse = exact.data<double>();
    double* const low = inverse + channels;  // of the mean
    for (Index c = 0; c < channels; ++c) {
      const bool is_exact = !batch_statistics || is_well_conditioned(means[c], variances[c], eps);
      const RowMoments<T> of_channel = is_exact
                                           ? RowMoments<T>{means[c], 0, static_cast<double>(variances[c])}
                                           : wide_channel_moments(layout, from_x, c);
      channel_mean[c] = of_channel.mean;
      low[c] = static_cast<double>(of_channel.low);
      inverse[c] = inverse_deviation(of_channel.variance, eps);
      scale[c] = static_cast<T>(inverse[c] * static_cast<double>(scales[c]));
    }
    if (batch_statistics || gw.defined() || gb.defined()) {
      const Scratch scratch = slice_sums<GradientSums>(layout);
      GradientSums* const sums = scratch.data<GradientSums>();
      channel_sums(layout, from_g, from_x, channel_mean, sums);
      T* const weight = gw.defined() ? gw.mutable_data<T>() : nullptr;
      T* const bias = gb.defined() ? gb.mutable_data<T>() : nullptr;
      for (Index c = 0; c < channels; ++c) {
        const GradientSums& sum = sums[c];
        const double count = static_cast<double>(layout.count());
        const double projection = sum.projection - low[c] * sum.g;
        const double gradient_slope = projection / count * inverse[c] * inverse[c];
        offset[c] = static_cast<T>(sum.g / count - low[c] * gradient_slope);
        slope[c] = static_cast<T>(gradient_slope);
        if (weight != nullptr) weight[c * gw.strides()[0]] = static_cast<T>(projection * inverse[c]);
        if (bias != nullptr) bias[c * gb.strides()[0]] = static_cast<T>(sum.g);
      }
    }
    if (batch_statistics) {
      for_each_element(
          layout, out,
          [=](Index c) {
            return InputGradient<T>{channel_mean[c], offset[c], slope[c], scale[c]};
          },
          [=](Index i, const InputGradient<T>& a) {
            return (from_g[i] - a.offset - (from_x[i] - a.mean) * a.slope) * a.scale;
          });
    } else {
      for_each_element(
          layout, out, [=](Index c) { return scale[c]; },
          [=](Index i, T channel_scale) { return from_g[i] * channel_scale; });
    }
    result.finish();
  });
}

}  // namespace metron::METRON_ISA
