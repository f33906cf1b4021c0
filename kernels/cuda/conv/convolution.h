// The convolution slots' algorithms, what they are given, and which is taken.
#pragma once

#include <metron/core/options.h>
#include <metron/core/tensor.h>
#include <metron/kernels/cuda/divisor.h>
#include <metron/kernels/internal/gather_axis.h>

#include <cstdint>
#include <optional>

namespace metron::cuda {

enum class ConvAlgorithm : std::uint8_t {
  direct,         // a thread computes a few results, weights in shared memory
  implicit_gemm,  // tiles of the column matrix are made in shared memory
  im2col          // the column matrix is made in memory, for our matmul: any size, 64-bit
};

// Of the column matrix in memory, unless one image needs more.
inline constexpr std::int64_t default_column_bytes = std::int64_t{64} << 20;

// Takes one algorithm for all convolutions of this thread while it lives, and a limit for im2col's buffer:
// for tests.
class ConvAlgorithmScope {
 public:
  explicit ConvAlgorithmScope(ConvAlgorithm algorithm, std::int64_t column_bytes = default_column_bytes);
  ~ConvAlgorithmScope();
  ConvAlgorithmScope(const ConvAlgorithmScope&) = delete;
  ConvAlgorithmScope& operator=(const ConvAlgorithmScope&) = delete;

  struct Forced {
    std::optional<ConvAlgorithm> algorithm;
    std::int64_t column_bytes = default_column_bytes;
  };

 private:
  Forced previous_;
};

struct ConvWindows {
  WindowAxis h, w;
};
ConvWindows windows_of(const Tensor& x, const Tensor& w, const Tensor& y, const Conv2dOptions& options);

// A pass as products: sizes of one group. Row `row` of the weights meets the `depth` elements of the image
// that each pixel gathers: k counts (channel, tap line, tap).
struct ConvSizes {
  GatherAxis h, w;
  std::int64_t images, groups;
  std::int64_t channels;  // that are gathered
  std::int64_t rows;      // results a pixel

  std::int64_t taps() const { return h.taps * w.taps; }
  std::int64_t depth() const { return channels * taps(); }
  std::int64_t plane() const { return h.outputs * w.outputs; }
  std::int64_t pixels() const { return images * plane(); }
};

// Whether the kernels with 32-bit indices can do it: pixels, one image, the weights, and every place that a
// tap may point to, within the padding too. im2col can do all others.
bool is_narrow(const ConvSizes& sizes);

// The forward pass, and the gradient of the input, which takes `phases` launches of any kernel but im2col's.
ConvAlgorithm choose_product(const ConvSizes& sizes, std::int64_t phases);
ConvAlgorithm choose_weight_gradient(const ConvSizes& sizes);

// What kernels get of a GatherAxis.
struct ConvAxis {
  int inputs = 0;
  int step = 0, offset = 0;
  int taps = 0, tap_step = 0;
};

// The image of a pass, contiguous, and how pixels and products are numbered in it.
template <typename T>
struct GatheredImage {
  ConvAxis h, w;
  int channels = 0, depth = 0;  // of a group
  int pixels = 0;               // n * plane + line * width + column
  Divisor plane, width;         // of the results
  Divisor taps, tap_width;
  const T* data = nullptr;
  std::int64_t image_stride = 0;
  int channel_stride = 0;

  GatheredImage(const ConvSizes& sizes, const T* image);
};

// result[pixel, row] = activation(bias[row] + sum over k of weight[row, k] * gathered[pixel, k]), for each
// group.
template <typename T>
struct Convolution {
  GatheredImage<T> image;
  int rows = 0, groups = 0;
  const T* weights = nullptr;  // element (0, 0, 0, 0) of group 0
  std::int64_t weight_group = 0;
  int weight_row = 0, weight_channel = 0, weight_line = 0, weight_tap = 0;
  const T* bias = nullptr;
  bool relu = false;
  T* result = nullptr;
  std::int64_t result_image = 0;
  int result_channel = 0, result_line = 0, result_pixel = 0;
};

// partial[share, group, row, k], whose rows are row_stride apart, = sum over a share's pixels of g[pixel,
// row] * gathered[pixel, k]. Where there is a bias gradient, column `depth` of the matrix is the sum of g.
template <typename T>
struct WeightGradient {
  GatheredImage<T> image;
  int rows = 0, groups = 0;
  const T* g = nullptr;  // (N, groups * rows, OH, OW), contiguous
  bool with_bias = false;
  int row_stride = 0;

  METRON_HOST_DEVICE int columns() const { return image.depth + (with_bias ? 1 : 0); }
  std::int64_t size() const { return std::int64_t{groups} * rows * row_stride; }
};

// The pixels of a weight gradient, cut into shares of `pixels` each: what depends on the shapes alone, never
// on the device. `blocks` compute a share, whose sums take `bytes`; a share is made of whole `unit`s.
struct Shares {
  int count, pixels;
};
Shares shares_of(std::int64_t pixels, std::int64_t unit, std::int64_t blocks, std::int64_t bytes);
// The sums of all shares, (shares, groups, rows, row_stride), into gw, and gb if there is one.
template <typename T>
void add_shares(Device device, const WeightGradient<T>& gradient, const Shares& shares, const T* partial,
                T* gw, T* gb);

template <typename T>
void implicit_gemm(Device device, const Convolution<T>& convolution);
template <typename T>
void direct_convolution(Device device, const Convolution<T>& convolution);

// `gb` may be null.
template <typename T>
void implicit_weight_gradient(Device device, const WeightGradient<T>& gradient, T* gw, T* gb);
template <typename T>
void direct_weight_gradient(Device device, const WeightGradient<T>& gradient, T* gw, T* gb);

// All operands contiguous. `limit` is that of the column matrix in bytes.
void im2col_forward(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                    Activation activation, Tensor& y, std::int64_t limit);
void im2col_backward_input(const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& gx,
                           std::int64_t limit);
void im2col_backward_weight(const Tensor& g, const Tensor& x, const Conv2dOptions& options, Tensor& gw,
                            Tensor& gb, std::int64_t limit);

}  // namespace metron::cuda
