#include <metron/kernels/fakes/convolution.h>

#include <algorithm>
#include <array>

namespace metron::fakes {
namespace {

std::int64_t output_size(std::int64_t in, std::int64_t window, int pad, int stride, int dilation) {
  return (in + 2 * pad - (dilation * (window - 1) + 1)) / stride + 1;
}

}  // namespace

Shapes checked(const Convolution& p, const Image& x, const Image& w, const Image& y) {
  require(x.sizes[1] == w.sizes[1] * p.groups, "x has ", x.sizes[1], " channels, but the filter has ",
          w.sizes[1], " in each of ", p.groups, " groups");
  require(w.sizes[0] % p.groups == 0, "the filter's ", w.sizes[0],
          " outputs are not a multiple of the groups");
  const std::array<std::int64_t, 4> sizes{
      x.sizes[0], w.sizes[0], output_size(x.sizes[2], w.sizes[2], p.pad_h, p.stride_h, p.dilation_h),
      output_size(x.sizes[3], w.sizes[3], p.pad_w, p.stride_w, p.dilation_w)};
  require(y.sizes == sizes, "y must be (", sizes[0], ", ", sizes[1], ", ", sizes[2], ", ", sizes[3],
          "), got (", y.sizes[0], ", ", y.sizes[1], ", ", y.sizes[2], ", ", y.sizes[3], ")");
  require(x.type == w.type && x.type == y.type, "x, w and y differ in type");
  return {p, x, w, y};
}

// Accumulates doubles in double, every other type in float.
bool has_types(const Shapes& s) {
  return s.problem.compute == (s.x.type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT);
}
// Both gradients require dy and the filter in NCHW.
bool has_gradient(const Shapes& s) {
  return has_types(s) && (s.w.format != CUDNN_TENSOR_NCHW || s.y.format == CUDNN_TENSOR_NCHW);
}

namespace {

// Calls f(y's row, w's tap, x's row, x's column at q = 0, first q, last q) for each row of y and tap of w:
// the tap multiplies x[row + column + q * stride] for q in [first, last).
template <typename F>
void for_each_tap(const Shapes& s, const F& f) {
  const auto [p, x, w, y] = s;
  const std::int64_t per_group = w.sizes[0] / p.groups, rows = w.sizes[2], columns = w.sizes[3];
  for (std::int64_t nk = 0; nk < y.sizes[0] * y.sizes[1]; ++nk) {
    const std::int64_t n = nk / y.sizes[1], k = nk % y.sizes[1], group = k / per_group;
    for (std::int64_t tap = 0; tap < w.sizes[1] * rows * columns; ++tap) {
      const std::int64_t c = group * w.sizes[1] + tap / (rows * columns);
      const std::int64_t r = tap / columns % rows, column = tap % columns * p.dilation_w - p.pad_w;
      const auto reaches = [&](std::int64_t at) { return (at - column + p.stride_w - 1) / p.stride_w; };
      const std::int64_t first = column >= 0 ? 0 : reaches(0);
      const std::int64_t last = column >= x.sizes[3] ? 0 : std::min(y.sizes[3], reaches(x.sizes[3]));
      for (std::int64_t row = 0; row < y.sizes[2] && first < last; ++row) {
        const std::int64_t h = row * p.stride_h - p.pad_h + r * p.dilation_h;
        if (h < 0 || h >= x.sizes[2]) continue;
        f((nk * y.sizes[2] + row) * y.sizes[3], k * w.sizes[1] * rows * columns + tap,
          ((n * x.sizes[1] + c) * x.sizes[2] + h) * x.sizes[3], column, first, last);
      }
    }
  }
}

}  // namespace

std::vector<double> zeros(const Image& image) {
  return std::vector<double>(static_cast<std::size_t>(image.numel()));
}

std::vector<double> forward(const Shapes& s, const void* x_data, const void* w_data) {
  const std::vector<double> x = read(s.x, x_data), w = read(s.w, w_data);
  std::vector<double> y = zeros(s.y);
  const std::int64_t stride = s.problem.stride_w;
  for_each_tap(s, [&](auto y_row, auto tap, auto x_row, auto column, auto first, auto last) {
    const double weight = w[static_cast<std::size_t>(tap)];
    double* const to = y.data() + y_row;
    const double* const from = x.data() + x_row;
    for (std::int64_t q = first; q < last; ++q) to[q] += weight * from[column + q * stride];
  });
  return y;
}

std::vector<double> backward_data(const Shapes& s, const void* w_data, const void* dy_data) {
  const std::vector<double> w = read(s.w, w_data), dy = read(s.y, dy_data);
  std::vector<double> dx = zeros(s.x);
  const std::int64_t stride = s.problem.stride_w;
  for_each_tap(s, [&](auto y_row, auto tap, auto x_row, auto column, auto first, auto last) {
    const double weight = w[static_cast<std::size_t>(tap)];
    double* const to = dx.data() + x_row;
    const double* const from = dy.data() + y_row;
    for (std::int64_t q = first; q < last; ++q) to[column + q * stride] += weight * from[q];
  });
  return dx;
}

std::vector<double> backward_filter(const Shapes& s, const void* x_data, const void* dy_data) {
  const std::vector<double> x = read(s.x, x_data), dy = read(s.y, dy_data);
  std::vector<double> dw = zeros(s.w);
  const std::int64_t stride = s.problem.stride_w;
  for_each_tap(s, [&](auto y_row, auto tap, auto x_row, auto column, auto first, auto last) {
    double sum = 0;
    for (std::int64_t q = first; q < last; ++q)
      sum +=
          dy[static_cast<std::size_t>(y_row + q)] * x[static_cast<std::size_t>(x_row + column + q * stride)];
    dw[static_cast<std::size_t>(tap)] += sum;
  });
  return dw;
}

std::vector<double> backward_bias(const Image& g, const void* dy_data) {
  const std::vector<double> dy = read(g, dy_data);
  std::vector<double> sums(static_cast<std::size_t>(g.sizes[1]));
  const std::int64_t plane = g.sizes[2] * g.sizes[3];
  for (std::size_t i = 0; i < dy.size(); ++i)
    sums[static_cast<std::size_t>(static_cast<std::int64_t>(i) / plane % g.sizes[1])] += dy[i];
  return sums;
}

}  // namespace metron::fakes
