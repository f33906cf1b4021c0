// Batch normalization: one pass over x for the statistics, one for the result. Chunks that fit in the cache
// are reduced with the two-pass algorithm and merged in double precision (Chan, Golub and LeVeque, 1979). A
// task is a slice of the batch and a block of channels. Memory traffic: at least x twice and y once.
#include <metron/kernels/cpu/channels.h>
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/fold.h>
#include <metron/kernels/cpu/moments.h>

#include <algorithm>
#include <cmath>

namespace metron::METRON_ISA {
namespace {

// Count, mean and sum of squared deviations from the mean.
struct Moments {
  double count = 0, mean = 0, squares = 0;

  void merge(const Moments& other) {
    if (other.count == 0) return;
    const double total = count + other.count;
    const double delta = other.mean - mean;
    mean += delta * (other.count / total);
    squares += other.squares + delta * delta * (count * other.count / total);
    count = total;
  }
};

// Corrects for the rounding error of `rough`, the mean that the deviations in `sum` and `squares` refer to.
Moments corrected(Index count, double rough, double sum, double squares) {
  const double n = static_cast<double>(count);
  return {n, rough + sum / n, std::max(squares - sum * sum / n, 0.0)};
}

template <typename T>
void add_rows(const T* x, Index rows, Index stride, Index channels, Moments* moments) {
  T mean[channel_block] = {}, sum[channel_block] = {}, squares[channel_block] = {};
  for (Index row = 0; row < rows; ++row) {
    for (Index c = 0; c < channels; ++c) mean[c] += x[row * stride + c];
  }
  for (Index c = 0; c < channels; ++c) mean[c] /= static_cast<T>(rows);
  for (Index row = 0; row < rows; ++row) {
    for (Index c = 0; c < channels; ++c) {
      const T deviation = x[row * stride + c] - mean[c];
      sum[c] += deviation;
      squares[c] += deviation * deviation;
    }
  }
  for (Index c = 0; c < channels; ++c) moments[c].merge(corrected(rows, mean[c], sum[c], squares[c]));
}

template <typename T>
void add_run(const T* x, Index n, Moments& moments) {
  const T mean = fold<T>(Sum<T>(), n, [&](Index i) { return x[i]; }) / static_cast<T>(n);
  const T sum = fold<T>(Sum<T>(), n, [&](Index i) { return x[i] - mean; });
  const T squares = fold<T>(Sum<T>(), n, [&](Index i) { return (x[i] - mean) * (x[i] - mean); });
  moments.merge(corrected(n, mean, sum, squares));
}

// `moments` is (slices, channels). The first slice accumulates the result.
template <typename T>
void channel_moments(const ChannelLayout& layout, const T* x, Moments* moments) {
  const Index channels = layout.channels;
  for_each_slice(
      layout,
      [&](Index slice, Index channel, Index count, Index first, Index last) {
        Moments* const into = moments + slice * channels + channel;
        std::fill_n(into, count, Moments());
        for (Index row = first; row < last; row += chunk_pixels)
          add_rows(x + row * channels + channel, std::min(chunk_pixels, last - row), channels, count, into);
      },
      [&](Index slice, Index channel, Index first, Index last) {
        Moments& into = moments[slice * channels + channel] = Moments();
        for (Index plane = first; plane < last; ++plane) {
          const T* const from = x + (plane * channels + channel) * layout.inner;
          for (Index i = 0; i < layout.inner; i += chunk_length)
            add_run(from + i, std::min(chunk_length, layout.inner - i), into);
        }
      });
  for (Index slice = 1; slice < layout.slices(); ++slice) {
    for (Index c = 0; c < channels; ++c) moments[c].merge(moments[slice * channels + c]);
  }
}

// The moments of channel c, in double where those of the chunks are out of range.
template <typename T>
RowMoments<T> moments_of(const ChannelLayout& layout, const T* x, const Moments& moments, double eps,
                         Index c) {
  const double variance = moments.squares / moments.count;
  if (!is_in_range<T>(variance, eps)) return wide_channel_moments(layout, x, c);
  return split_moments<T>(moments.mean, variance);
}

// Coefficients of one channel: y = (x - mean) * scale + shift.
template <typename T>
struct Affine {
  T mean, scale, shift;
};

}  // namespace

bool batch_norm(const Tensor& x, const Tensor& w, const Tensor& b, bool batch_statistics, double eps,
                Tensor& mean, Tensor& variance, Tensor& y) {
  return visit_dtype<float, double>(y.dtype(), [&]<typename T>() {
    const ChannelLayout layout = layout_of(x);
    const FormattedInput input(x, layout.format, copy);
    FormattedOutput result(y, layout.format, copy);
    const T* const from = input.data<T>();
    T* const out = result.data<T>();
    const ChannelValues<T> scales(w, 1), shifts(b, 0);
    const Scratch coefficients(3 * layout.channels, dtype_of<T>);
    T* const channel_mean = coefficients.data<T>();
    T* const scale = channel_mean + layout.channels;
    T* const shift = scale + layout.channels;
    const auto set_channel = [&](Index c, const RowMoments<T>& of_channel) {
      const double factor = inverse_deviation(of_channel.variance, eps) * static_cast<double>(scales[c]);
      channel_mean[c] = of_channel.mean;
      scale[c] = static_cast<T>(factor);
      shift[c] =
          static_cast<T>(static_cast<double>(shifts[c]) - static_cast<double>(of_channel.low) * factor);
    };
    if (batch_statistics) {
      const Scratch scratch = slice_sums<Moments>(layout);
      Moments* const moments = scratch.data<Moments>();
      channel_moments(layout, from, moments);
      T* const means = mean.mutable_data<T>();
      T* const variances = variance.mutable_data<T>();
      for (Index c = 0; c < layout.channels; ++c) {
        const RowMoments<T> of_channel = moments_of(layout, from, moments[c], eps, c);
        means[c * mean.strides()[0]] = of_channel.mean;
        variances[c * variance.strides()[0]] = static_cast<T>(of_channel.variance);
        set_channel(c, of_channel);
      }
    } else {
      const ChannelValues<T> means(mean, 0), variances(variance, 1);
      for (Index c = 0; c < layout.channels; ++c)
        set_channel(c, {means[c], 0, static_cast<double>(variances[c])});
    }
    for_each_element(
        layout, out,
        [=](Index c) {
          return Affine<T>{channel_mean[c], scale[c], shift[c]};
        },
        [=](Index i, const Affine<T>& a) { return (from[i] - a.mean) * a.scale + a.shift; });
    result.finish();
  });
}

}  // namespace metron::METRON_ISA
