// Batch normalization and its gradients, for x of any strides.
//
// The statistics of each channel are a fold (fold.cuh): Welford's update of x - x[0] forward, the sums of g,
// of g * (normalized x) and of normalized x backward. The thread that stores a channel's result computes its
// coefficients, with another pass in double if its variance is out of range. The result is an element-wise
// pass (tile_map.cuh): vectorized where a channel's elements are contiguous, otherwise adjacent threads take
// adjacent channels. x is read twice and y written once (backward g and x twice, gx once). With constant
// statistics everything moves once, the minimum. Memory-bound.
#include <metron/kernels/cuda/cuda_kernels.h>

#include <metron/kernels/cuda/norm/norm.cuh>
#include <metron/kernels/cuda/reduce/fold.cuh>
#include <metron/kernels/cuda/reduce/tile_map.cuh>

namespace metron::cuda {
namespace {

// x, channel by channel.
template <typename T>
struct Channels {
  const T* data;
  std::int64_t stride, size;
  WideIndex<1> elements;

  Channels(const Tensor& x, const LoopNest& range, std::int64_t channel_stride)
      : data(x.data<T>()), stride(channel_stride), size(range.numel), elements(range) {}
  __device__ T first(std::int64_t channel) const { return size > 0 ? data[channel * stride] : T{0}; }
  __device__ T at(std::int64_t channel, std::int64_t i) const {
    std::int64_t offset[1];
    elements.offsets(i, offset);
    return data[channel * stride + offset[0]];
  }
};

template <typename T>
struct FoldStatistics {
  using Value = Moments<T>;
  static constexpr int operands = 1, pack = pack_of<T>;
  static constexpr std::size_t element_bytes = sizeof(T);
  MergeMoments<T> op;
  Channels<T> x;
  T eps;
  Statistics<T>* statistics;  // per channel
  StridedOutput<T> mean, variance;

  struct Channel {
    const T* x;
    T first;
    template <int count>
    __device__ void add(Value* values, const std::int64_t* offsets, std::int64_t) const {
      const auto in = load_pack<count>(x + offsets[0]);
      for (int j = 0; j < count; ++j) values[j].add(in.values[j] - first);
    }
  };
  __device__ Channel of_result(std::int64_t c) const { return {x.data, x.first(c)}; }
  __device__ void store(std::int64_t channel, const Value& value) const {
    const RowStatistics<T> of_channel = row_statistics(x.first(channel), value, eps, x.size,
                                                       [&](std::int64_t i) { return x.at(channel, i); });
    statistics[channel] = of_channel.normal;
    mean.store(channel, of_channel.normal.mean);
    variance.store(channel, of_channel.variance);
  }
  std::array<const void*, 1> addresses() const {
    const void* const first = x.data;
    return {first};
  }
  PartialFold<FoldStatistics> of_partials(const Value* values) const { return {op, values, *this}; }
};

// y = (x - mean) * scale + shift.
template <typename T>
struct Normalize {
  static constexpr int operands = 2, pack = pack_of<T>;
  static constexpr std::size_t element_bytes = sizeof(T);
  const T* x;
  T* y;
  StridedInput<T> mean, variance, w, b;
  T eps;
  const Statistics<T>* statistics;  // null: mean and variance are constant

  struct Channel {
    const T* x;
    T* y;
    T mean, scale, shift;
    template <int count>
    __device__ void apply(const std::int64_t* offsets) const {
      auto values = load_pack<count>(x + offsets[0]);
      for (int j = 0; j < count; ++j) values.values[j] = (values.values[j] - mean) * scale + shift;
      store_pack(y + offsets[1], values);
    }
  };
  __device__ Channel of_result(std::int64_t c) const {
    if (statistics == nullptr) return {x, y, mean[c], inverse_deviation(variance[c], eps) * w[c], b[c]};
    const Statistics<T> s = statistics[c];
    return {x, y, s.mean, s.inverse * w[c], b[c] - s.shift * w[c]};
  }
  std::array<const void*, 2> addresses() const { return {x, y}; }
};

// Of a channel: gx = (g - offset - (x - mean) * slope) * scale.
template <typename T>
struct GradientCoefficients {
  T mean, offset, slope, inverse;
};

// The sums for the gradients, the gradients of weight and bias, and the coefficients of the input's.
template <typename T>
struct FoldGradients {
  using Value = GradientSums<T>;
  static constexpr int operands = 2, pack = pack_of<T>;
  static constexpr std::size_t element_bytes = sizeof(T);
  AddGradientSums<T> op;
  const T* g;
  Channels<T> x;
  StridedInput<T> mean, variance;
  T eps;
  bool batch_statistics;
  GradientCoefficients<T>* coefficients;  // per channel
  StridedOutput<T> gw, gb;

  struct Channel {
    const T* g;
    const T* x;
    Statistics<T> statistics;
    template <int count>
    __device__ void add(Value* values, const std::int64_t* offsets, std::int64_t) const {
      const auto gradient = load_pack<count>(g + offsets[0]);
      const auto in = load_pack<count>(x + offsets[1]);
      for (int j = 0; j < count; ++j) values[j].add(gradient.values[j], statistics.normalized(in.values[j]));
    }
  };
  __device__ Statistics<T> statistics_of(std::int64_t c) const {
    const T variance_of_c = variance[c];
    if (!batch_statistics) return {mean[c], inverse_deviation(variance_of_c, eps), 0};
    return stored_statistics(mean[c], variance_of_c, eps, x.size, [&](std::int64_t i) { return x.at(c, i); });
  }
  __device__ Channel of_result(std::int64_t c) const { return {g, x.data, statistics_of(c)}; }
  __device__ void store(std::int64_t channel, Value value) const {
    Statistics<T> s = statistics_of(channel);
    const T inverse_count = x.size > 0 ? 1 / static_cast<T>(x.size) : T{0};
    if (batch_statistics) value.correct(s, inverse_count);
    // In normalized x, the slope is the mean projection; the shift moves to the offset.
    const T slope = value.projection * inverse_count;
    coefficients[channel] = {s.mean, value.g * inverse_count - s.shift * slope, slope * s.inverse, s.inverse};
    gw.store(channel, value.projection);
    gb.store(channel, value.g);
  }
  std::array<const void*, 2> addresses() const { return {g, x.data}; }
  PartialFold<FoldGradients> of_partials(const Value* values) const { return {op, values, *this}; }
};

// gx = (g - offset - (x - mean) * slope) * scale; offset and slope are 0 for constant statistics.
template <typename T>
struct InputGradient {
  static constexpr int operands = 3, pack = pack_of<T>;
  static constexpr std::size_t element_bytes = sizeof(T);
  const T* g;
  const T* x;
  T* gx;
  StridedInput<T> variance, w;
  T eps;
  const GradientCoefficients<T>* coefficients;  // null for constant statistics

  struct Channel {
    const T* g;
    const T* x;  // null for constant statistics
    T* gx;
    T mean, offset, slope, scale;
    template <int elements>
    __device__ void apply(const std::int64_t* offsets) const {
      auto values = load_pack<elements>(g + offsets[0]);
      if (x != nullptr) {
        const auto in = load_pack<elements>(x + offsets[1]);
        for (int j = 0; j < elements; ++j)
          values.values[j] = values.values[j] - offset - (in.values[j] - mean) * slope;
      }
      for (int j = 0; j < elements; ++j) values.values[j] *= scale;
      store_pack(gx + offsets[2], values);
    }
  };
  __device__ Channel of_result(std::int64_t c) const {
    if (coefficients == nullptr) return {g, nullptr, gx, 0, 0, 0, inverse_deviation(variance[c], eps) * w[c]};
    const GradientCoefficients<T> k = coefficients[c];
    return {g, x, gx, k.mean, k.offset, k.slope, k.inverse * w[c]};
  }
  std::array<const void*, 3> addresses() const { return {g, x, gx}; }
};

constexpr int channel_axis = 1;

// The loop over channels: the operands' channel strides, then the channel index.
LoopNest channel_nest(std::initializer_list<const Tensor*> operands) {
  LoopNest nest = line_nest((*operands.begin())->size(channel_axis), {});
  std::size_t k = 0;
  for (const Tensor* operand : operands) nest.strides[0][k++] = operand->strides()[channel_axis];
  nest.strides[0][k] = 1;
  return nest;
}

template <typename T>
Scratch channel_values(const Tensor& x) {
  return {x.size(channel_axis) * static_cast<std::int64_t>(sizeof(T)), DType::uint8, x.device()};
}

}  // namespace

bool batch_norm(const Tensor& x, const Tensor& w, const Tensor& b, bool batch_statistics, double eps,
                Tensor& mean, Tensor& variance, Tensor& y) {
  return visit_dtype<float, double>(y.dtype(), [&]<typename T>() {
    const T epsilon = static_cast<T>(eps);
    const Scratch memory = channel_values<Statistics<T>>(x);
    auto* const statistics = memory.data<Statistics<T>>();
    if (batch_statistics) {
      const LoopNest range = loop_nest_without(channel_axis, {&x});
      const FoldStatistics<T> moments{{},
                                      {x, range, x.strides()[channel_axis]},
                                      epsilon,
                                      statistics,
                                      StridedOutput<T>(mean),
                                      StridedOutput<T>(variance)};
      fold("batch_norm", y.device(), moments, channel_nest({&x}), range);
    }
    const Normalize<T> normalize{x.data<T>(), y.mutable_data<T>(),
                                 {mean, 0},   {variance, 1},
                                 {w, 1},      {b, 0},
                                 epsilon,     batch_statistics ? statistics : nullptr};
    tile_map("batch_norm", y.device(), normalize, channel_nest({&x, &y}),
             loop_nest_without(channel_axis, {&x, &y}));
  });
}

bool batch_norm_backward(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                         const Tensor& variance, bool batch_statistics, double eps, Tensor& gx, Tensor& gw,
                         Tensor& gb) {
  return visit_dtype<float, double>(gx.dtype(), [&]<typename T>() {
    const LoopNest range = loop_nest_without(channel_axis, {&g, &x});
    const StridedInput<T> means(mean, 0), variances(variance, 1);
    const T epsilon = static_cast<T>(eps);
    const Scratch memory = channel_values<GradientCoefficients<T>>(x);
    auto* const coefficients = memory.data<GradientCoefficients<T>>();
    if (batch_statistics || gw.defined() || gb.defined()) {
      const Channels<T> of_x(x, loop_nest_without(channel_axis, {&x}), x.strides()[channel_axis]);
      const FoldGradients<T> gradients{{},
                                       g.data<T>(),
                                       of_x,
                                       means,
                                       variances,
                                       epsilon,
                                       batch_statistics,
                                       coefficients,
                                       StridedOutput<T>(gw),
                                       StridedOutput<T>(gb)};
      fold("batch_norm_backward", gx.device(), gradients, channel_nest({&g, &x}), range);
    }
    const InputGradient<T> input{g.data<T>(),
                                 x.data<T>(),
                                 gx.mutable_data<T>(),
                                 variances,
                                 {w, 1},
                                 epsilon,
                                 batch_statistics ? coefficients : nullptr};
    tile_map("batch_norm_backward", gx.device(), input, channel_nest({&g, &x, &gx}),
             loop_nest_without(channel_axis, {&g, &x, &gx}));
  });
}

}  // namespace metron::cuda
