// Batch normalization and its gradients, for x of any strides.
//
// The statistics of each channel are a fold (fold.cuh): Welford's update forward, the sums of g and of g * (x
// - mean) backward. The result is an element-wise pass (tile_map.cuh): vectorized where a channel's elements
// are contiguous, otherwise adjacent threads take adjacent channels. x is read twice and y written once
// (backward g and x twice, gx once). With constant statistics everything moves once, the minimum.
// Memory-bound.
#include <metron/kernels/cuda/cuda_kernels.h>

#include <metron/kernels/cuda/norm/norm.cuh>
#include <metron/kernels/cuda/reduce/fold.cuh>
#include <metron/kernels/cuda/reduce/tile_map.cuh>

namespace metron::cuda {
namespace {

template <typename T>
struct FoldStatistics {
  using Value = Moments<T>;
  static constexpr int operands = 1, pack = pack_of<T>;
  static constexpr std::size_t element_bytes = sizeof(T);
  MergeMoments<T> op;
  const T* x;
  StridedOutput<T> mean, variance;

  __device__ const FoldStatistics& of_result(std::int64_t) const { return *this; }
  template <int count>
  __device__ void add(Value* values, const std::int64_t* offsets, std::int64_t) const {
    const auto in = load_pack<count>(x + offsets[0]);
    for (int j = 0; j < count; ++j) values[j].add(in.values[j]);
  }
  __device__ void store(std::int64_t channel, const Value& value) const {
    mean.store(channel, mean_of(value));
    variance.store(channel, variance_of(value));
  }
  std::array<const void*, 1> addresses() const { return {x}; }
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
    return {x, y, mean[c], inverse_deviation(variance[c], eps) * w[c], b[c]};
  }
  std::array<const void*, 2> addresses() const { return {x, y}; }
};

// The sums of g and of g * (x - mean), and the gradients of weight and bias computed from them.
template <typename T>
struct FoldGradients {
  using Value = GradientSums<T>;
  static constexpr int operands = 2, pack = pack_of<T>;
  static constexpr std::size_t element_bytes = sizeof(T);
  AddGradientSums<T> op;
  const T* g;
  const T* x;
  StridedInput<T> mean, variance;
  T eps;
  Value* sums;  // per channel
  StridedOutput<T> gw, gb;

  struct Channel {
    const T* g;
    const T* x;
    T mean;
    template <int count>
    __device__ void add(Value* values, const std::int64_t* offsets, std::int64_t) const {
      const auto gradient = load_pack<count>(g + offsets[0]);
      const auto in = load_pack<count>(x + offsets[1]);
      for (int j = 0; j < count; ++j) {
        values[j].g += gradient.values[j];
        values[j].projection += gradient.values[j] * (in.values[j] - mean);
      }
    }
  };
  __device__ Channel of_result(std::int64_t c) const { return {g, x, mean[c]}; }
  __device__ void store(std::int64_t channel, const Value& value) const {
    sums[channel] = value;
    gw.store(channel, value.projection * inverse_deviation(variance[channel], eps));
    gb.store(channel, value.g);
  }
  std::array<const void*, 2> addresses() const { return {g, x}; }
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
  StridedInput<T> mean, variance, w;
  T eps, count;
  const GradientSums<T>* sums;  // null for constant statistics

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
    const T inverse = inverse_deviation(variance[c], eps);
    if (sums == nullptr) return {g, nullptr, gx, 0, 0, 0, inverse * w[c]};
    const GradientSums<T> sum = sums[c];
    return {g, x, gx, mean[c], sum.g / count, sum.projection / count * inverse * inverse, inverse * w[c]};
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

}  // namespace

bool batch_norm(const Tensor& x, const Tensor& w, const Tensor& b, bool batch_statistics, double eps,
                Tensor& mean, Tensor& variance, Tensor& y) {
  return visit_dtype<float, double>(y.dtype(), [&]<typename T>() {
    if (batch_statistics) {
      const FoldStatistics<T> statistics{{}, x.data<T>(), StridedOutput<T>(mean), StridedOutput<T>(variance)};
      fold("batch_norm", y.device(), statistics, channel_nest({&x}), loop_nest_without(channel_axis, {&x}));
    }
    const Normalize<T> normalize{x.data<T>(), y.mutable_data<T>(), {mean, 0}, {variance, 1}, {w, 1},
                                 {b, 0},      static_cast<T>(eps)};
    tile_map("batch_norm", y.device(), normalize, channel_nest({&x, &y}),
             loop_nest_without(channel_axis, {&x, &y}));
  });
}

bool batch_norm_backward(const Tensor& g, const Tensor& x, const Tensor& w, const Tensor& mean,
                         const Tensor& variance, bool batch_statistics, double eps, Tensor& gx, Tensor& gw,
                         Tensor& gb) {
  return visit_dtype<float, double>(gx.dtype(), [&]<typename T>() {
    const std::int64_t channels = x.size(channel_axis);
    const LoopNest range = loop_nest_without(channel_axis, {&g, &x});
    const StridedInput<T> means(mean, 0), variances(variance, 1);
    const T epsilon = static_cast<T>(eps);
    const Scratch memory(channels * static_cast<std::int64_t>(sizeof(GradientSums<T>)), DType::uint8,
                         gx.device());
    auto* const sums = memory.data<GradientSums<T>>();
    if (batch_statistics || gw.defined() || gb.defined()) {
      const FoldGradients<T> gradients{
          {},   g.data<T>(),          x.data<T>(),         means, variances, epsilon,
          sums, StridedOutput<T>(gw), StridedOutput<T>(gb)};
      fold("batch_norm_backward", gx.device(), gradients, channel_nest({&g, &x}), range);
    }
    const InputGradient<T> input{g.data<T>(),
                                 x.data<T>(),
                                 gx.mutable_data<T>(),
                                 means,
                                 variances,
                                 {w, 1},
                                 epsilon,
                                 static_cast<T>(range.numel),
                                 batch_statistics ? sums : nullptr};
    tile_map("batch_norm_backward", gx.device(), input, channel_nest({&g, &x, &gx}),
             loop_nest_without(channel_axis, {&g, &x, &gx}));
  });
}

}  // namespace metron::cuda
