// The convolution slots on the device cuda: every algorithm on every case, against the portable provider.
#include <metron/core/slot.h>
#include <metron/core/slots.h>
#include <metron/kernels/cuda/conv/convolution.h>

#include <cmath>
#include <limits>
#include <vector>

#include "device_test.h"
#include "op_case_runner.h"

namespace metron::test {
namespace {

using cuda::ConvAlgorithm;
using cuda::ConvAlgorithmScope;

constexpr ConvAlgorithm algorithms[] = {ConvAlgorithm::direct, ConvAlgorithm::implicit_gemm,
                                        ConvAlgorithm::im2col};

// Our own kernels against the portable ones, independent of other providers on these devices.
class CudaConvolution : public DeviceTest {
  const ProviderScope providers_{"cpu,cuda"};
};

// A call of the slots, by its sizes.
struct Problem {
  Shape x, w;
  Conv2dOptions options = {};
  MemoryFormat format = MemoryFormat::contiguous;
  Activation activation = Activation::none;
  std::int64_t offset = 0;  // of the first element of every operand, in elements

  Shape y() const {
    const auto size = [](std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                         std::int64_t dilation) {
      return (in + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
    };
    return {x[0], w[0], size(x[2], w[2], options.stride.h, options.padding.h, options.dilation.h),
            size(x[3], w[3], options.stride.w, options.padding.w, options.dilation.w)};
  }
};

std::ostream& operator<<(std::ostream& out, const Problem& p) {
  return out << "x " << p.x << ", w " << p.w << ", stride " << p.options.stride.h << ' ' << p.options.stride.w
             << ", groups " << p.options.groups;
}

// An uninitialized tensor `offset` elements into its storage.
Tensor empty_at(const Shape& shape, DType dtype, Device device, MemoryFormat format, std::int64_t offset) {
  Strides strides = Tensor::empty(shape, {dtype, Device(), format}).strides();
  return Tensor::empty({shape.numel() + offset}, {dtype, device}).as_strided(shape, strides, offset);
}

Tensor random_at(unsigned seed, const Shape& shape, DType dtype, Device device, MemoryFormat format,
                 std::int64_t offset) {
  std::vector<float> data(static_cast<std::size_t>(shape.numel()));
  std::uint32_t state = seed;
  for (float& value : data) {
    state = state * 1664525u + 1013904223u;  // Numerical Recipes
    value = static_cast<float>(state >> 8) * 0x1p-23f - 1;
  }
  Tensor result = empty_at(shape, dtype, device, format, offset);
  result.copy_(Tensor::from(data, shape).to(dtype).to(device));
  return result;
}

struct Results {
  Tensor y, gx, gw, gb;
};

Results run(const Problem& p, DType dtype, Device device) {
  constexpr auto contiguous = MemoryFormat::contiguous;
  const Shape bias{p.w[0]};
  const Tensor x = random_at(1, p.x, dtype, device, p.format, p.offset);
  const Tensor w = random_at(2, p.w, dtype, device, contiguous, p.offset);
  const Tensor b = random_at(3, bias, dtype, device, contiguous, p.offset);
  const Tensor g = random_at(4, p.y(), dtype, device, p.format, p.offset);
  poison(device);
  Results r{empty_at(p.y(), dtype, device, p.format, p.offset),
            empty_at(p.x, dtype, device, p.format, p.offset),
            empty_at(p.w, dtype, device, contiguous, p.offset),
            empty_at(bias, dtype, device, contiguous, p.offset)};
  kernel::conv2d_forward(x, w, b, p.options, p.activation, r.y);
  kernel::conv2d_backward_input(g, w, p.options, r.gx);
  kernel::conv2d_backward_weight(g, x, p.options, r.gw, r.gb);
  return r;
}

void expect_close(const Results& got, const Results& want, double tolerance) {
  EXPECT_TRUE(close(to_array(got.y), to_array(want.y), tolerance)) << "forward";
  EXPECT_TRUE(close(to_array(got.gx), to_array(want.gx), tolerance)) << "backward input";
  EXPECT_TRUE(close(to_array(got.gw), to_array(want.gw), tolerance)) << "backward weight";
  EXPECT_TRUE(close(to_array(got.gb), to_array(want.gb), tolerance)) << "bias gradient";
}

void compare(const Problem& p, DType dtype, double tolerance) {
  const Results want = run(p, dtype, Device());
  for (const ConvAlgorithm algorithm : algorithms) {
    SCOPED_TRACE(testing::Message() << p << ", " << dtype << ", algorithm " << static_cast<int>(algorithm));
    const ConvAlgorithmScope only(algorithm);
    expect_close(run(p, dtype, "cuda"), want, tolerance);
  }
}

// Tile-specific shapes beyond the table of op cases.
TEST_F(CudaConvolution, AlgorithmsAgreeWithThePortableProvider) {
  using enum MemoryFormat;
  const Problem problems[] = {
      {{2, 1, 28, 28}, {32, 1, 3, 3}},
      {{1, 32, 26, 26}, {64, 32, 3, 3}},
      {{3, 5, 17, 19}, {67, 5, 3, 3}, {.padding = 1}, contiguous, Activation::relu},
      {{3, 5, 17, 19}, {67, 5, 3, 3}, {.padding = 1}, channels_last},
      {{1, 128, 6, 6}, {3, 128, 1, 1}},  // the ones column starts a tile
      {{1, 127, 5, 5}, {3, 127, 1, 1}},  // and ends one
      {{1, 2, 48, 47}, {9, 2, 3, 3}},    // more than one block of pixels, odd row length
      {{1, 3, 13, 14}, {33, 3, 5, 4}, {.stride = {2, 3}, .padding = {3, 2}, .dilation = {2, 1}}},
      {{2, 2, 9, 9}, {2, 2, 2, 2}, {.stride = 3, .dilation = 3}},  // phases without taps
      {{2, 6, 11, 7}, {10, 3, 3, 3}, {.padding = 1, .groups = 2}},
      {{1, 1, 20, 20}, {3, 1, 11, 7}},  // more taps than a block of the direct kernel holds
      {{2, 7, 9, 9}, {7, 1, 3, 3}, {.padding = 1, .groups = 7}},
      {{2, 3, 9, 9}, {27, 1, 3, 3}, {.groups = 3}},
      {{1, 2, 1, 300}, {4, 2, 1, 5}, {.padding = {0, 2}}},
      {{129, 1, 1, 1}, {2, 1, 1, 1}},
      {{2, 4, 8, 8}, {8, 4, 3, 3}, {.padding = 1}, contiguous, Activation::none, 1},  // unaligned
      {{2, 4, 8, 8}, {8, 4, 3, 3}, {.padding = 1}, channels_last, Activation::none, 3},
      {{5, 3, 40, 40}, {5, 3, 3, 3}},  // several splits of the pixels
  };
  for (const Problem& p : problems) {
    compare(p, DType::float32, 2e-6);
    compare(p, DType::float64, 2e-14);
  }
}

TEST_F(CudaConvolution, EveryAlgorithmPassesTheOpCases) {
  for (const Case& c : cases()) {
    if (c.op != "conv2d") continue;
    const Outcome want = test::run(c, DType::float32, Device());
    for (const ConvAlgorithm algorithm : algorithms) {
      SCOPED_TRACE(testing::Message() << c << ", algorithm " << static_cast<int>(algorithm));
      const ConvAlgorithmScope only(algorithm);
      const Outcome got = test::run(c, DType::float32, "cuda");
      EXPECT_TRUE(close(got.output, want.output, 2e-6)) << "the output";
      for (std::size_t i = 0; i < want.gradients.size(); ++i)
        EXPECT_TRUE(close(got.gradients[i], want.gradients[i], 2e-6)) << "the gradient of input " << i;
    }
  }
}

TEST_F(CudaConvolution, Im2colSplitsALargeColumnMatrix) {
  const Problem problem{{5, 4, 9, 8}, {6, 2, 3, 3}, {.stride = 2, .padding = 1, .groups = 2}};
  const Results want = run(problem, DType::float32, Device());
  const std::int64_t image_bytes = 2 * 9 * 5 * 4 * 4;
  for (const std::int64_t limit : {std::int64_t{1}, 2 * image_bytes, 4 * image_bytes, 5 * image_bytes}) {
    SCOPED_TRACE(limit);
    const ConvAlgorithmScope only(ConvAlgorithm::im2col, limit);
    expect_close(run(problem, DType::float32, "cuda"), want, 2e-6);
  }
}

TEST_F(CudaConvolution, Im2colHandlesMoreChannelsThanGridRows) {
  const Problem problem{{1, 1031, 3, 4}, {2, 1031, 2, 2}, {.padding = {0, 1}}};
  const ConvAlgorithmScope only(ConvAlgorithm::im2col);
  expect_close(run(problem, DType::float32, "cuda"), run(problem, DType::float32, Device()), 2e-6);
}

// Groups map to gridDim.x, which has no such limit.
TEST_F(CudaConvolution, MoreGroupsThanTheGridLimit) {
  constexpr std::int64_t groups = 65536 + 7;
  const Tensor x = random_at(1, {1, groups, 1, 2}, DType::float32, Device(), MemoryFormat::contiguous, 0);
  const Tensor w = random_at(2, {groups, 1, 1, 2}, DType::float32, Device(), MemoryFormat::contiguous, 0);
  Tensor want = Tensor::empty({1, groups, 1, 1}),
         got = Tensor::empty({1, groups, 1, 1}, {DType::float32, "cuda"});
  kernel::conv2d_forward(x, w, {}, {.groups = groups}, Activation::none, want);
  kernel::conv2d_forward(x.to("cuda"), w.to("cuda"), {}, {.groups = groups}, Activation::none, got);
  EXPECT_TRUE(close(to_array(got), to_array(want), 2e-6));
}

cuda::ConvSizes sizes(const Shape& x, const Shape& w, std::int64_t padding = 0, std::int64_t groups = 1) {
  const auto axis = [&](std::int64_t in, std::int64_t kernel) {
    return forward_gather({in, in + 2 * padding - kernel + 1, kernel, 1, padding, 1});
  };
  return {axis(x[2], w[2]), axis(x[3], w[3]), x[0], groups, w[1], w[0] / groups};
}

TEST(ConvAlgorithmChoice, PicksTheKernelWithFullTiles) {
  using enum ConvAlgorithm;
  const cuda::ConvSizes conv1 = sizes({64, 1, 28, 28}, {32, 1, 3, 3});
  const cuda::ConvSizes conv2 = sizes({64, 32, 26, 26}, {64, 32, 3, 3});
  const cuda::ConvSizes depthwise = sizes({8, 32, 26, 26}, {32, 1, 3, 3}, 1, 32);
  EXPECT_EQ(choose_product(conv1, 1), direct);
  EXPECT_EQ(choose_product(conv2, 1), implicit_gemm);
  EXPECT_EQ(choose_product(conv2, 4), implicit_gemm);
  EXPECT_EQ(choose_product(conv2, 256), im2col);
  EXPECT_EQ(choose_product(sizes({1, 512, 7, 7}, {512, 512, 3, 3}, 1), 1), im2col);
  EXPECT_EQ(choose_product(depthwise, 1), direct);
  EXPECT_EQ(choose_weight_gradient(conv1), direct);
  EXPECT_EQ(choose_weight_gradient(conv2), implicit_gemm);
  EXPECT_EQ(choose_weight_gradient(depthwise), direct);
}

TEST(ConvAlgorithmChoice, IndicesBeyond32BitsUseIm2col) {
  const std::int64_t large = std::int64_t{1} << 31;
  const Shape w{2, 1, 1, 1};
  EXPECT_TRUE(is_narrow(sizes({64, 32, 26, 26}, {64, 32, 3, 3})));
  EXPECT_TRUE(is_narrow(
      sizes({large / 1024, 1000, 30, 30}, {1000, 1000, 1, 1})));  // element counts may exceed 32 bits
  EXPECT_TRUE(is_narrow(sizes({1, 1, 30000, 30000}, {1, 1, 1, 1})));
  const cuda::ConvSizes wide[] = {
      sizes({large, 1, 1, 1}, w),                                // pixels
      sizes({1, 1, 1 << 15, 1 << 16}, {1, 1, 1, 1}),             // an image
      sizes({1, 1, 1 << 15, 1 << 15}, w),                        // a result
      sizes({1, 1 << 15, 1, 1}, {1 << 16, 1 << 15, 1, 1}),       // the weights
      sizes({1, 1, large, 1}, {1, 1, large, 1}),                 // an axis, one pixel
      sizes({1, 1, 40000, 40000}, {1, 1, 40001, 40001}, 20000),  // a tap in the padding
  };
  for (const cuda::ConvSizes& s : wide) {
    EXPECT_FALSE(is_narrow(s)) << s.images << ' ' << s.channels << ' ' << s.h.inputs << ' ' << s.rows;
    EXPECT_EQ(choose_product(s, 1), ConvAlgorithm::im2col);
    EXPECT_EQ(choose_weight_gradient(s), ConvAlgorithm::im2col);
  }
}

TEST_F(CudaConvolution, WeightGradientsAreDeterministic) {
  const Problem problem{{5, 2, 40, 40}, {5, 2, 3, 3}};
  for (const ConvAlgorithm algorithm : algorithms) {
    const ConvAlgorithmScope only(algorithm);
    const Results first = run(problem, DType::float32, "cuda"), second = run(problem, DType::float32, "cuda");
    EXPECT_EQ(first.gw.to_vector<float>(), second.gw.to_vector<float>());
    EXPECT_EQ(first.gb.to_vector<float>(), second.gb.to_vector<float>());
  }
}

// Partial sums of all splits at once do not fit: two at a time, or one.
TEST_F(CudaConvolution, WeightGradientsInPassesOverTheSplits) {
  for (const Problem& problem :
       {Problem{{2, 3, 30, 31}, {5, 3, 3, 3}}, Problem{{3, 1, 41, 41}, {3, 1, 1, 1}}}) {
    const Results want = run(problem, DType::float32, Device());
    const bool is_direct = problem.x[1] == 1;
    const std::int64_t split_bytes = is_direct ? 3 * 2 * 4 : 5 * 32 * 4;
    for (const std::int64_t limit : {std::int64_t{1}, 2 * split_bytes}) {
      SCOPED_TRACE(testing::Message() << problem << ", limit " << limit);
      const ConvAlgorithmScope only(is_direct ? ConvAlgorithm::direct : ConvAlgorithm::implicit_gemm, limit);
      const Results got = run(problem, DType::float32, "cuda");
      EXPECT_TRUE(close(to_array(got.gw), to_array(want.gw), 1e-5));
      EXPECT_TRUE(close(to_array(got.gb), to_array(want.gb), 1e-5));
    }
  }
}

TEST_F(CudaConvolution, NanAndInfinityPropagate) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const ConvAlgorithm algorithm : algorithms) {
    const ConvAlgorithmScope only(algorithm);
    const Tensor x = Tensor::from(std::vector<float>{nan, 1, -infinity, infinity}, {1, 1, 1, 4}, "cuda");
    Tensor y = Tensor::empty({1, 1, 1, 4}, x.options());
    kernel::conv2d_forward(x, Tensor::ones({1, 1, 1, 1}, x.options()), {}, {}, Activation::relu, y);
    const std::vector<float> got = y.to_vector<float>();
    EXPECT_TRUE(std::isnan(got[0]));
    EXPECT_EQ(got[1], 1);
    EXPECT_EQ(got[2], 0);
    EXPECT_EQ(got[3], infinity);
  }
}

TEST(Divisor, MatchesTheDivisionOperator) {
  constexpr int largest = std::numeric_limits<int>::max();
  std::vector<int> numbers{1,  2,   3,   5,     7,     9,     24,          25,          31,     32,
                           33, 576, 641, 65535, 65536, 65537, largest / 2, largest - 1, largest};
  std::uint32_t state = 1;
  for (int i = 0; i < 300; ++i) {
    state = state * 1664525u + 1013904223u;
    numbers.push_back(1 + static_cast<int>(state >> (1 + i % 31)));
  }
  for (const int divisor : numbers) {
    const cuda::Divisor d(divisor);
    EXPECT_EQ(d.quotient(0), 0);
    for (const int n : numbers) {
      ASSERT_EQ(d.quotient(n), n / divisor) << n << " / " << divisor;
      const int multiple = n / divisor * divisor;
      ASSERT_EQ(d.quotient(multiple), multiple / divisor) << multiple << " / " << divisor;
      if (multiple > 0) {
        ASSERT_EQ(d.quotient(multiple - 1), (multiple - 1) / divisor) << multiple << " / " << divisor;
      }
    }
  }
}

}  // namespace
}  // namespace metron::test
