// Group normalization. A row is a group of a sample: it is loaded once and stays in cache for its mean, its
// variance and the result. Backward sums g and g * (normalized x) of each channel and sample once; all three
// gradients follow from these sums, in an order that depends on the shape alone. Minimum traffic: x and y
// once (backward g, x and gx).
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/moments.h>

namespace metron::METRON_ISA {
namespace {

struct GroupSizes {
  Index samples, channels, plane, groups;

  GroupSizes(const Tensor& x, Index group_count)
      : samples(x.size(0)), channels(x.size(1)), plane(x.size(2)), groups(group_count) {}
  Index rows() const { return samples * groups; }
  Index channels_per_row() const { return channels / groups; }
  Index columns() const { return channels_per_row() * plane; }
  Index first_channel(Index row) const { return row % groups * channels_per_row(); }
};

// Of a channel of one sample.
struct ChannelSums {
  double g, projection;
};

}  // namespace

bool group_norm(const Tensor& x, const Tensor& w, const Tensor& b, std::int64_t groups, double eps,
                Tensor& mean, Tensor& variance, Tensor& y) {
  const GroupSizes sizes(x, groups);
  const Index columns = sizes.columns();
  return visit_dtype<float, double>(y.dtype(), [&]<typename T>() {
    const T* const all = x.data<T>();
    const T* const weights = w.defined() ? w.data<T>() : nullptr;
    const T* const biases = b.defined() ? b.data<T>() : nullptr;
    T* const means = mean.mutable_data<T>();
    T* const variances = variance.mutable_data<T>();
    T* const out = y.mutable_data<T>();
    parallel_for(sizes.rows(), grain_of(4 * columns), [&](Index first, Index last) {
      for (Index row = first; row < last; ++row) {
        const RowMoments<T> of_row = moments(all + row * columns, columns, eps);
        const T scale = of_row.scale(eps);
        means[row] = of_row.mean;
        variances[row] = static_cast<T>(of_row.variance);
        for (Index c = 0; c < sizes.channels_per_row(); ++c) {
          const Index channel = sizes.first_channel(row) + c, begin = row * columns + c * sizes.plane;
          const T weight = weights != nullptr ? weights[channel] : 1;
          const T bias = biases != nullptr ? biases[channel] : 0;
          for (Index i = begin; i < begin + sizes.plane; ++i)
            out[i] = ((all[i] - of_row.mean) - of_row.low) * scale * weight + bias;
        }
      }
    });
  });
}

bool group_norm_backward(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                         const Tensor& variance, std::int64_t groups, double eps, Tensor& gx, Tensor& gw,
                         Tensor& gb) {
  const GroupSizes sizes(x, groups);
  const Index columns = sizes.columns(), plane = sizes.plane;
  return visit_dtype<float, double>(gx.dtype(), [&]<typename T>() {
    const T* const all_g = g.data<T>();
    const T* const all_x = x.data<T>();
    const T* const weights = w.defined() ? w.data<T>() : nullptr;
    const T* const means = mean.data<T>();
    const T* const variances = variance.data<T>();
    T* const out = gx.mutable_data<T>();
    const Scratch scratch(2 * sizes.samples * sizes.channels, DType::float64);
    auto* const sums = reinterpret_cast<ChannelSums*>(scratch.data<double>());  // (N, C)
    parallel_for(sizes.rows(), grain_of(6 * columns), [&](Index first, Index last) {
      for (Index row = first; row < last; ++row) {
        const RowMoments<T> of_row =
            saved_moments(all_x + row * columns, columns, means[row], variances[row], eps);
        const T row_mean = of_row.mean, row_low = of_row.low, scale = of_row.scale(eps);
        double offset = 0, slope = 0;
        for (Index c = 0; c < sizes.channels_per_row(); ++c) {
          const Index channel = sizes.first_channel(row) + c;
          const T* const channel_g = all_g + row * columns + c * plane;
          const T* const channel_x = all_x + row * columns + c * plane;
          const T sum = fold<T>(Sum<T>(), plane, [&](Index i) { return channel_g[i]; });
          const T projection = fold<T>(Sum<T>(), plane, [&](Index i) {
            return channel_g[i] * (((channel_x[i] - row_mean) - row_low) * scale);
          });
          sums[row * sizes.channels_per_row() + c] = {static_cast<double>(sum),
                                                      static_cast<double>(projection)};
          const double weight = weights != nullptr ? static_cast<double>(weights[channel]) : 1;
          offset += weight * static_cast<double>(sum);
          slope += weight * static_cast<double>(projection);
        }
        const T mean_g = static_cast<T>(offset / static_cast<double>(columns));
        const T mean_projection = static_cast<T>(slope / static_cast<double>(columns));
        for (Index c = 0; c < sizes.channels_per_row(); ++c) {
          const Index begin = row * columns + c * plane;
          const T weight = weights != nullptr ? weights[sizes.first_channel(row) + c] : 1;
          for (Index i = begin; i < begin + plane; ++i)
            out[i] = scale * (all_g[i] * weight - mean_g -
                              ((all_x[i] - row_mean) - row_low) * scale * mean_projection);
        }
      }
    });
    if (!gw.defined()) return;
    T* const weight_gradient = gw.mutable_data<T>();
    T* const bias_gradient = gb.mutable_data<T>();
    parallel_for(sizes.channels, grain_of(2 * sizes.samples), [&](Index first, Index last) {
      for (Index c = first; c < last; ++c) {
        ChannelSums total{0, 0};
        for (Index n = 0; n < sizes.samples; ++n) {
          total.g += sums[n * sizes.channels + c].g;
          total.projection += sums[n * sizes.channels + c].projection;
        }
        weight_gradient[c] = static_cast<T>(total.projection);
        bias_gradient[c] = static_cast<T>(total.g);
      }
    });
  });
}

}  // namespace metron::METRON_ISA
