// Softmax and its gradient along one axis: row by row if the axis is dense, otherwise one strip of adjacent
// columns at a time.
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/fold.h>

namespace metron::METRON_ISA {
namespace {

using functor::exponential;

constexpr std::int64_t softmax_columns = 64;
constexpr std::int64_t exponential_cost = 4;  // in simple element-wise operations

// The softmax axis: its size, and its stride in each operand.
struct Axis {
  std::int64_t size;
  std::int64_t strides[3];
};

using Steps = std::array<std::int64_t, max_operands>;  // between columns, per operand

template <typename T>
void softmax_row(bool log, std::int64_t size, const T* x, T* y) {
  const T largest = fold<T>(Max<T>{}, size, [=](std::int64_t i) { return x[i]; });
  if (log) {
    const T sum = fold<T>(Sum<T>{}, size, [=](std::int64_t i) { return exponential(x[i] - largest); });
    const T shift = std::log(sum);
    for (std::int64_t i = 0; i < size; ++i) y[i] = (x[i] - largest) - shift;
    return;
  }
  for (std::int64_t i = 0; i < size; ++i) y[i] = exponential(x[i] - largest);
  const T scale = 1 / fold<T>(Sum<T>{}, size, [=](std::int64_t i) { return y[i]; });
  for (std::int64_t i = 0; i < size; ++i) y[i] *= scale;
}

template <typename T>
void softmax_backward_row(bool log, std::int64_t size, const T* g, const T* y, T* gx) {
  if (log) {
    const T sum = fold<T>(Sum<T>{}, size, [=](std::int64_t i) { return g[i]; });
    for (std::int64_t i = 0; i < size; ++i) gx[i] = g[i] - exponential(y[i]) * sum;
    return;
  }
  const T sum = fold<T>(Sum<T>{}, size, [=](std::int64_t i) { return g[i] * y[i]; });
  for (std::int64_t i = 0; i < size; ++i) gx[i] = y[i] * (g[i] - sum);
}

// A row of a strip, copied to `buffer` unless it is dense.
template <typename T>
const T* dense_row(const T* row, std::int64_t step, std::int64_t columns, T* buffer) {
  if (step == 1) return row;
  for (std::int64_t j = 0; j < columns; ++j) buffer[j] = row[j * step];
  return buffer;
}
template <typename T>
void store_row(const T* buffer, std::int64_t step, std::int64_t columns, T* row) {
  if (buffer == row) return;
  for (std::int64_t j = 0; j < columns; ++j) row[j * step] = buffer[j];
}

// Vectorized over adjacent columns, `steps` apart. Sums are in double, as the axis may be long.
template <typename T>
void softmax_strip(bool log, const Axis& axis, const Steps& steps, std::int64_t columns, const T* x, T* y) {
  T largest[softmax_columns], exponentials[softmax_columns], normalizer[softmax_columns];
  T in_buffer[softmax_columns], out_buffer[softmax_columns];
  double sum[softmax_columns];
  std::fill_n(largest, columns, Max<T>::identity);
  std::fill_n(sum, columns, 0.0);
  for (std::int64_t i = 0; i < axis.size; ++i) {
    const T* const in = dense_row(x + i * axis.strides[1], steps[1], columns, in_buffer);
    for (std::int64_t j = 0; j < columns; ++j) largest[j] = Max<T>{}(largest[j], in[j]);
  }
  for (std::int64_t i = 0; i < axis.size; ++i) {
    const T* const in = dense_row(x + i * axis.strides[1], steps[1], columns, in_buffer);
    for (std::int64_t j = 0; j < columns; ++j) exponentials[j] = exponential(in[j] - largest[j]);
    for (std::int64_t j = 0; j < columns; ++j) sum[j] += exponentials[j];
    if (!log) store_row<T>(exponentials, steps[0], columns, y + i * axis.strides[0]);
  }
  for (std::int64_t j = 0; j < columns; ++j)
    normalizer[j] = static_cast<T>(log ? std::log(sum[j]) : 1 / sum[j]);
  for (std::int64_t i = 0; i < axis.size; ++i) {
    T* const row = y + i * axis.strides[0];
    T* const out = steps[0] == 1 ? row : out_buffer;
    if (log) {
      const T* const in = dense_row(x + i * axis.strides[1], steps[1], columns, in_buffer);
      for (std::int64_t j = 0; j < columns; ++j) out[j] = (in[j] - largest[j]) - normalizer[j];
    } else {
      const T* const numerator = dense_row<T>(row, steps[0], columns, out_buffer);
      for (std::int64_t j = 0; j < columns; ++j) out[j] = numerator[j] * normalizer[j];
    }
    store_row(out, steps[0], columns, row);
  }
}

template <typename T>
void softmax_backward_strip(bool log, const Axis& axis, const Steps& steps, std::int64_t columns, const T* g,
                            const T* y, T* gx) {
  double sum[softmax_columns];
  T total[softmax_columns], g_buffer[softmax_columns], y_buffer[softmax_columns], out_buffer[softmax_columns];
  std::fill_n(sum, columns, 0.0);
  for (std::int64_t i = 0; i < axis.size; ++i) {
    const T* const gradient = dense_row(g + i * axis.strides[1], steps[1], columns, g_buffer);
    if (log) {
      for (std::int64_t j = 0; j < columns; ++j) sum[j] += gradient[j];
    } else {
      const T* const output = dense_row(y + i * axis.strides[2], steps[2], columns, y_buffer);
      for (std::int64_t j = 0; j < columns; ++j) sum[j] += gradient[j] * output[j];
    }
  }
  for (std::int64_t j = 0; j < columns; ++j) total[j] = static_cast<T>(sum[j]);
  for (std::int64_t i = 0; i < axis.size; ++i) {
    const T* const gradient = dense_row(g + i * axis.strides[1], steps[1], columns, g_buffer);
    const T* const output = dense_row(y + i * axis.strides[2], steps[2], columns, y_buffer);
    T* const row = gx + i * axis.strides[0];
    T* const out = steps[0] == 1 ? row : out_buffer;
    if (log) {
      for (std::int64_t j = 0; j < columns; ++j) out[j] = gradient[j] - exponential(output[j]) * total[j];
    } else {
      for (std::int64_t j = 0; j < columns; ++j) out[j] = output[j] * (gradient[j] - total[j]);
    }
    store_row(out, steps[0], columns, row);
  }
}

}  // namespace

bool softmax(const Tensor& x, int axis, bool log, Tensor& y) {
  const LoopNest nest = loop_nest_without(axis, {&y, &x});
  const Axis along{x.shape()[axis], {y.strides()[axis], x.strides()[axis], 0}};
  return visit_dtype<float, double>(y.dtype(), [&]<typename T>() {
    const T* const in = x.data<T>();
    T* const out = y.mutable_data<T>();
    if (along.strides[0] == 1 && along.strides[1] == 1) {
      parallel_for(nest.numel, grain_of(exponential_cost * along.size),
                   [&](std::int64_t begin, std::int64_t end) {
                     for_each_position<2>(nest, begin, end, [&](const auto& offsets) {
                       softmax_row(log, along.size, in + offsets[1], out + offsets[0]);
                     });
                   });
      return;
    }
    const LoopNest strips = strips_of(nest, softmax_columns);
    const std::int64_t unit = along.size * std::min(softmax_columns, nest.sizes[0]);
    parallel_for(strips.numel, grain_of(exponential_cost * unit), [&](std::int64_t begin, std::int64_t end) {
      for_each_position<4>(strips, begin, end, [&](const auto& offsets) {
        const std::int64_t columns = std::min(softmax_columns, nest.sizes[0] - offsets[3]);
        softmax_strip(log, along, nest.strides[0], columns, in + offsets[1], out + offsets[0]);
      });
    });
  });
}

bool softmax_backward(const Tensor& g, const Tensor& y, int axis, bool log, Tensor& gx) {
  const LoopNest nest = loop_nest_without(axis, {&gx, &g, &y});
  const Axis along{gx.shape()[axis], {gx.strides()[axis], g.strides()[axis], y.strides()[axis]}};
  return visit_dtype<float, double>(gx.dtype(), [&]<typename T>() {
    const T* const gradient = g.data<T>();
    const T* const output = y.data<T>();
    T* const out = gx.mutable_data<T>();
    if (along.strides[0] == 1 && along.strides[1] == 1 && along.strides[2] == 1) {
      parallel_for(nest.numel, grain_of(exponential_cost * along.size),
                   [&](std::int64_t begin, std::int64_t end) {
                     for_each_position<3>(nest, begin, end, [&](const auto& o) {
                       softmax_backward_row(log, along.size, gradient + o[1], output + o[2], out + o[0]);
                     });
                   });
      return;
    }
    const LoopNest strips = strips_of(nest, softmax_columns);
    const std::int64_t unit = along.size * std::min(softmax_columns, nest.sizes[0]);
    parallel_for(strips.numel, grain_of(exponential_cost * unit), [&](std::int64_t begin, std::int64_t end) {
      for_each_position<4>(strips, begin, end, [&](const auto& o) {
        const std::int64_t columns = std::min(softmax_columns, nest.sizes[0] - o[3]);
        softmax_backward_strip(log, along, nest.strides[0], columns, gradient + o[1], output + o[2],
                               out + o[0]);
      });
    });
  });
}

}  // namespace metron::METRON_ISA
