// The ops as independent double-precision loops: slow, simple and easy to verify. The oracle of the cases.
#pragma once

#include <metron/core/options.h>
#include <metron/core/random.h>
#include <metron/core/shape.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace metron::op_cases::naive {

using Index = Dims;

struct Array {
  Shape shape{0};
  std::vector<double> data;  // row-major

  Array() = default;
  explicit Array(const Shape& s) : shape(s), data(static_cast<std::size_t>(s.numel())) {}

  double& at(const Index& index) { return data[offset(index)]; }
  double at(const Index& index) const { return data[offset(index)]; }
  template <typename... I>
  double& operator()(I... index) {
    return at({index...});
  }
  template <typename... I>
  double operator()(I... index) const {
    return at({index...});
  }
  double& operator[](std::int64_t i) { return data[static_cast<std::size_t>(i)]; }
  double operator[](std::int64_t i) const { return data[static_cast<std::size_t>(i)]; }
  std::int64_t numel() const { return static_cast<std::int64_t>(data.size()); }

 private:
  std::size_t offset(const Index& index) const {
    std::int64_t result = 0;
    for (int i = 0; i < shape.size(); ++i) result = result * shape[i] + index[i];
    return static_cast<std::size_t>(result);
  }
};

// Calls body(index) for every index of the shape, in row-major order.
template <typename Body>
void for_each_index(const Shape& shape, const Body& body) {
  if (shape.numel() == 0) return;
  Index index = Dims::filled(shape.size(), 0);
  while (true) {
    body(static_cast<const Index&>(index));
    int axis = shape.size() - 1;
    while (axis >= 0 && ++index[axis] == shape[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}

// An array whose element at each index is f(index).
template <typename F>
Array generate(const Shape& shape, const F& f) {
  Array y(shape);
  for_each_index(shape, [&](const Index& i) { y.at(i) = f(i); });
  return y;
}

// The same elements with another shape.
inline Array reshaped(const Array& x, const Shape& shape) {
  Array y(shape);
  y.data = x.data;
  return y;
}

// ---- Element-wise ----

inline Shape broadcast(const Shape& a, const Shape& b) {
  Shape shape;
  for (int axis = std::max(a.size(), b.size()); axis >= 1; --axis) {  // counted from the end
    const std::int64_t size_a = axis <= a.size() ? a[a.size() - axis] : 1;
    const std::int64_t size_b = axis <= b.size() ? b[b.size() - axis] : 1;
    shape.push_back(size_a == 1 ? size_b : size_a);
  }
  return shape;
}

// The element of x that broadcasts to `index` of a larger shape.
inline double broadcast_at(const Array& x, const Index& index) {
  Index mine = x.shape;
  for (int i = 0; i < mine.size(); ++i) mine[i] = x.shape[i] == 1 ? 0 : index[i + index.size() - mine.size()];
  return x.at(mine);
}

template <typename F>
Array map(const Array& x, const F& f) {
  Array y = x;
  for (double& value : y.data) value = f(value);
  return y;
}

template <typename F>
Array zip(const Array& a, const Array& b, const F& f) {
  return generate(broadcast(a.shape, b.shape),
                  [&](const Index& i) { return f(broadcast_at(a, i), broadcast_at(b, i)); });
}

inline Array where(const Array& condition, const Array& a, const Array& b) {
  return generate(broadcast(condition.shape, broadcast(a.shape, b.shape)), [&](const Index& i) {
    return broadcast_at(condition, i) != 0 ? broadcast_at(a, i) : broadcast_at(b, i);
  });
}

// ---- Reductions ----

// f of the values that share an index after dropping the axes (all if none), in row-major order.
template <typename F>
Array reduce(const Array& x, const Axes& axes, bool keep_dims, const F& f) {
  Shape kept = axes.empty() ? Dims::filled(x.shape.size(), 1) : x.shape;
  for (const std::int64_t axis : axes) kept[static_cast<int>(axis < 0 ? axis + x.shape.size() : axis)] = 1;
  Shape dropped;
  for (int i = 0; i < kept.size(); ++i) {
    const bool reduced = axes.empty() || std::any_of(axes.begin(), axes.end(), [&](std::int64_t a) {
                           return a == i || a + kept.size() == i;
                         });
    if (!reduced) dropped.push_back(kept[i]);
  }
  Array y(kept);
  std::vector<std::vector<double>> groups(y.data.size());
  for_each_index(x.shape, [&](const Index& i) {
    std::int64_t group = 0;
    for (int axis = 0; axis < kept.size(); ++axis)
      group = group * kept[axis] + (kept[axis] == 1 ? 0 : i[axis]);
    groups[static_cast<std::size_t>(group)].push_back(x.at(i));
  });
  for (std::size_t i = 0; i < groups.size(); ++i) y.data[i] = f(groups[i]);
  return keep_dims ? y : reshaped(y, dropped);
}

inline double sum_of(const std::vector<double>& values) {
  long double total = 0;
  for (const double value : values) total += value;
  return static_cast<double>(total);
}
inline double mean_of(const std::vector<double>& values) {
  return sum_of(values) / static_cast<double>(values.size());
}
inline double max_of(const std::vector<double>& values) {
  double largest = -std::numeric_limits<double>::infinity();
  for (const double value : values) largest = std::max(largest, value);
  return largest;
}
inline double argmax_of(const std::vector<double>& values) {
  return static_cast<double>(std::max_element(values.begin(), values.end()) - values.begin());
}

// ---- Matrix product ----

inline Array matmul(const Array& a, const Array& b) {
  // A vector is a row on the left and a column on the right. Its axis is removed again.
  const bool row = a.shape.size() == 1, column = b.shape.size() == 1;
  const Array left = row ? reshaped(a, {1, a.shape[0]}) : a;
  const Array right = column ? reshaped(b, {b.shape[0], 1}) : b;
  const Shape leading_left(left.shape.begin(), static_cast<std::size_t>(left.shape.size() - 2));
  const Shape leading_right(right.shape.begin(), static_cast<std::size_t>(right.shape.size() - 2));
  const std::int64_t inner = left.shape.back();
  Shape shape = broadcast(leading_left, leading_right);
  shape.push_back(left.shape[left.shape.size() - 2]);
  shape.push_back(right.shape.back());
  const auto element = [](const Array& x, Index index, std::int64_t i, std::int64_t j) {
    const int added = index.size() - x.shape.size();
    Index mine = x.shape;
    for (int axis = 0; axis < mine.size() - 2; ++axis)
      mine[axis] = x.shape[axis] == 1 ? 0 : index[axis + added];
    mine[mine.size() - 2] = i;
    mine[mine.size() - 1] = j;
    return x.at(mine);
  };
  const Array y = generate(shape, [&](const Index& index) {
    double total = 0;
    for (std::int64_t k = 0; k < inner; ++k)
      total += element(left, index, index[index.size() - 2], k) * element(right, index, k, index.back());
    return total;
  });
  Shape squeezed = y.shape;
  if (row) squeezed.erase(squeezed.size() - 2);
  if (column) squeezed.erase(squeezed.size() - 1);
  return reshaped(y, squeezed);
}

// ---- Convolution and pooling ----

inline Array conv2d(const Array& x, const Array& w, const Array* bias, const Conv2dOptions& o) {
  const std::int64_t height = x.shape[2], width = x.shape[3];
  const std::int64_t channels = w.shape[1], kh = w.shape[2], kw = w.shape[3];  // per group
  const std::int64_t outputs = w.shape[0] / o.groups;                          // per group
  const std::int64_t oh = (height + 2 * o.padding.h - o.dilation.h * (kh - 1) - 1) / o.stride.h + 1;
  const std::int64_t ow = (width + 2 * o.padding.w - o.dilation.w * (kw - 1) - 1) / o.stride.w + 1;
  return generate({x.shape[0], w.shape[0], oh, ow}, [&](const Index& i) {
    const std::int64_t first_channel = i[1] / outputs * channels;
    double total = bias == nullptr ? 0 : (*bias)(i[1]);
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t r = 0; r < kh; ++r) {
        for (std::int64_t s = 0; s < kw; ++s) {
          const std::int64_t ih = i[2] * o.stride.h - o.padding.h + r * o.dilation.h;
          const std::int64_t iw = i[3] * o.stride.w - o.padding.w + s * o.dilation.w;
          if (ih < 0 || ih >= height || iw < 0 || iw >= width) continue;
          total += x(i[0], first_channel + c, ih, iw) * w(i[1], c, r, s);
        }
      }
    }
    return total;
  });
}

// f of the values in each window. Positions outside x count as `padding_value`, or are skipped if that is
// NaN.
template <typename F>
Array pool2d(const Array& x, const Pool2dOptions& o, double padding_value, const F& f) {
  const Size2 stride(o.stride.h == 0 ? o.kernel.h : o.stride.h, o.stride.w == 0 ? o.kernel.w : o.stride.w);
  const std::int64_t height = x.shape[2], width = x.shape[3];
  const std::int64_t oh = (height + 2 * o.padding.h - o.kernel.h) / stride.h + 1;
  const std::int64_t ow = (width + 2 * o.padding.w - o.kernel.w) / stride.w + 1;
  return generate({x.shape[0], x.shape[1], oh, ow}, [&](const Index& i) {
    std::vector<double> window;
    for (std::int64_t r = 0; r < o.kernel.h; ++r) {
      for (std::int64_t s = 0; s < o.kernel.w; ++s) {
        const std::int64_t ih = i[2] * stride.h - o.padding.h + r, iw = i[3] * stride.w - o.padding.w + s;
        if (ih >= 0 && ih < height && iw >= 0 && iw < width) {
          window.push_back(x(i[0], i[1], ih, iw));
        } else if (!std::isnan(padding_value)) {
          window.push_back(padding_value);
        }
      }
    }
    return f(window);
  });
}
inline Array max_pool2d(const Array& x, const Pool2dOptions& options) {
  return pool2d(x, options, std::numeric_limits<double>::quiet_NaN(), max_of);
}
inline Array avg_pool2d(const Array& x, const Pool2dOptions& options) {
  return pool2d(x, options, 0, mean_of);
}

// ---- Normalization ----

inline double variance_of(const std::vector<double>& values) {  // biased
  const double mean = mean_of(values);
  std::vector<double> squares;
  for (const double value : values) squares.push_back((value - mean) * (value - mean));
  return mean_of(squares);
}

// All axes but the channel axis 1.
inline Axes batch_axes(const Array& x) {
  Axes axes{0};
  for (int i = 2; i < x.shape.size(); ++i) axes.push_back(i);
  return axes;
}

// mean and variance (C); w and b (C) or null.
inline Array batch_norm(const Array& x, const Array& mean, const Array& variance, const Array* w,
                        const Array* b, double eps) {
  return generate(x.shape, [&](const Index& i) {
    const std::int64_t c = i[1];
    const double normalized = (x.at(i) - mean[c]) / std::sqrt(variance[c] + eps);
    return normalized * (w == nullptr ? 1 : (*w)[c]) + (b == nullptr ? 0 : (*b)[c]);
  });
}

// Over the trailing axes that `columns` elements fill. w and b have that size or are null.
inline Array layer_norm(const Array& x, std::int64_t columns, const Array* w, const Array* b, double eps) {
  Array y(x.shape);
  for (std::int64_t begin = 0; begin < x.numel(); begin += columns) {
    const std::vector<double> row(x.data.begin() + begin, x.data.begin() + begin + columns);
    const double mean = mean_of(row), deviation = std::sqrt(variance_of(row) + eps);
    for (std::int64_t i = 0; i < columns; ++i)
      y[begin + i] =
          (x[begin + i] - mean) / deviation * (w == nullptr ? 1 : (*w)[i]) + (b == nullptr ? 0 : (*b)[i]);
  }
  return y;
}

// ---- Dropout: element i belongs to plane i / plane ----

inline Array dropout(const Array& x, double p, std::int64_t plane, PhiloxKey key) {
  Array y(x.shape);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const float u = uniform_float(philox_word(key, static_cast<std::uint64_t>(i / plane)));
    y[i] = static_cast<double>(u) >= p ? x[i] / (1 - p) : 0;
  }
  return y;
}

// ---- Softmax and losses ----

inline Array log_softmax(const Array& x, std::int64_t axis) {
  const Array log_total = reduce(x, {axis}, true, [](const std::vector<double>& values) {
    const double largest = max_of(values);
    double total = 0;
    for (const double value : values) total += std::exp(value - largest);
    return largest + std::log(total);
  });
  return zip(x, log_total, [](double value, double total) { return value - total; });
}
inline Array softmax(const Array& x, std::int64_t axis) {
  return map(log_softmax(x, axis), [](double value) { return std::exp(value); });
}

inline Array reduced(const Array& losses, Reduction reduction) {
  if (reduction == Reduction::none) return losses;
  return naive::reduce(losses, {}, false, reduction == Reduction::mean ? mean_of : sum_of);
}
inline Array nll_loss(const Array& x, const Array& target, Reduction reduction) {
  return reduced(generate({x.shape[0]},
                          [&](const Index& i) { return -x(i[0], static_cast<std::int64_t>(target(i[0]))); }),
                 reduction);
}
inline Array mse_loss(const Array& x, const Array& target, Reduction reduction) {
  return reduced(zip(x, target, [](double a, double b) { return (a - b) * (a - b); }), reduction);
}

// ---- Embedding ----

inline Array embedding(const Array& w, const Array& indices) {
  Shape shape = indices.shape;
  shape.push_back(w.shape[1]);
  Array y(shape);
  for (std::int64_t i = 0; i < y.numel(); ++i)
    y[i] = w(static_cast<std::int64_t>(indices[i / w.shape[1]]), i % w.shape[1]);
  return y;
}
inline Array decode_rows(const Array& codes, const Array& table, const Array& indices) {
  Shape shape = codes.shape;
  shape[0] = indices.numel();
  Array y(shape);
  const std::int64_t columns = y.numel() / std::max<std::int64_t>(indices.numel(), 1);
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    const double code = codes[static_cast<std::int64_t>(indices[i / columns]) * columns + i % columns];
    y[i] = table[static_cast<std::int64_t>(code)];
  }
  return y;
}

}  // namespace metron::op_cases::naive
