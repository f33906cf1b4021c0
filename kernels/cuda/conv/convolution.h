// Convolution algorithms, their arguments, and the heuristics that choose between them.
#pragma once

#include <metron/core/options.h>
#include <metron/core/tensor.h>
#include <metron/kernels/cuda/divisor.h>
#include <metron/kernels/internal/gather_axis.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>

namespace metron::cuda {

enum class ConvAlgorithm : std::uint8_t {
  direct,         // each thread computes a few results, with weights in shared memory
  implicit_gemm,  // im2col tiles in shared memory
  im2col          // im2col matrix in global memory and our matmul: any size, 64-bit indices
};

// Size limit of the im2col buffer, exceeded only if a single image needs more, and of the partial sums of a
// weight gradient.
inline constexpr std::int64_t default_column_bytes = std::int64_t{64} << 20;

// For tests: forces one algorithm, and this limit, for all convolutions of this thread
// during its lifetime.
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

// A pass as a matrix product, per group. Each row of the weights is multiplied by the `depth` image elements
// that a pixel gathers; k enumerates (channel, tap line, tap).
struct ConvSizes {
  GatherAxis h, w;
  std::int64_t images, groups;
  std::int64_t channels;  // gathered
  std::int64_t rows;      // results per pixel

  std::int64_t taps() const { return h.taps * w.taps; }
  std::int64_t depth() const { return channels * taps(); }
  std::int64_t plane() const { return h.outputs * w.outputs; }
  std::int64_t pixels() const { return images * plane(); }
};

// Whether the kernels with 32-bit indices apply: pixels, one image, the weights, and every coordinate that a
// tap can reach, including padding. im2col handles all other cases.
bool is_narrow(const ConvSizes& sizes);

// The forward pass and the input gradient. The latter takes `phases` launches, except with im2col.
ConvAlgorithm choose_product(const ConvSizes& sizes, std::int64_t phases);
ConvAlgorithm choose_weight_gradient(const ConvSizes& sizes);

// A GatherAxis in 32 bits, as kernels take it.
struct ConvAxis {
  int inputs = 0;
  int step = 0, offset = 0;
  int taps = 0, tap_step = 0;
};

// The contiguous image of a pass, and the index arithmetic for its pixels and taps.
template <typename T>
struct GatheredImage {
  ConvAxis h, w;
  int channels = 0, depth = 0;  // per group
  int pixels = 0;               // n * plane + line * width + column
  Divisor plane, width;         // of the results
  Divisor taps, tap_width;
  const T* data = nullptr;
  std::int64_t image_stride = 0;
  int channel_stride = 0;

  GatheredImage(const ConvSizes& sizes, const T* image);
};

// For each group, result[pixel, row] = activation(bias[row] + sum over k of weight[row, k] * gathered[pixel,
// k]).
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

// Split-K over the pixels: partial[split, group, row, k] = sum over the split's pixels of g[pixel, row] *
// gathered[pixel, k], with leading dimension row_stride. With a bias gradient, column `depth` is the sum of
// g.
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

// Splits of `pixels` pixels each. They depend on the shapes alone, never on the device. `blocks` is the
// number of blocks per split, `bytes` the size of its partial sums, and `pixels` is a multiple of `unit`, at
// most `max_pixels`.
struct PixelSplit {
  int count, pixels;
};
PixelSplit make_pixel_split(std::int64_t pixels, std::int64_t unit, std::int64_t max_pixels,
                            std::int64_t blocks, std::int64_t bytes);
inline constexpr std::int64_t unlimited_pixels = std::int64_t{1} << 62;
struct SplitRange {
  int first, count;
};
template <typename T>
using ComputeSplits = std::function<void(const SplitRange& splits, T* partial)>;
// compute(splits, partial) launches the kernel of some splits, whose partial sums are (splits, groups, rows,
// row_stride). They are summed into gw, and gb unless null, in passes over so many splits
// that their partial sums take at most `limit` bytes.
template <typename T>
void sum_splits(Device device, const WeightGradient<T>& gradient, const PixelSplit& split, T* gw, T* gb,
                std::int64_t limit, const std::type_identity_t<ComputeSplits<T>>& compute);

template <typename T>
void implicit_gemm(Device device, const Convolution<T>& convolution);
template <typename T>
void direct_convolution(Device device, const Convolution<T>& convolution);

// `gb` may be null. `limit` bounds the partial sums, in bytes.
template <typename T>
void implicit_weight_gradient(Device device, const WeightGradient<T>& gradient, T* gw, T* gb,
                              std::int64_t limit);
template <typename T>
void direct_weight_gradient(Device device, const WeightGradient<T>& gradient, T* gw, T* gb,
                            std::int64_t limit);

// All operands are contiguous. `limit` bounds the im2col matrix, in bytes.
void im2col_forward(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options,
                    Activation activation, Tensor& y, std::int64_t limit);
void im2col_backward_input(const Tensor& g, const Tensor& w, const Conv2dOptions& options, Tensor& gx,
                           std::int64_t limit);
void im2col_backward_weight(const Tensor& g, const Tensor& x, const Conv2dOptions& options, Tensor& gw,
                            Tensor& gb, std::int64_t limit);

}  // namespace metron::cuda
