// Pooling on the device cuda against the portable provider: every kernel, every memory format, both index
// types.
#include <metron/core/slots.h>
#include <metron/kernels/cuda/pool/pool_axis.h>

#include <limits>

#include "device_test.h"
#include "twins.h"

namespace metron::test {
namespace {

class CudaPool2d : public DeviceTest {};

struct Problem {
  Shape x;
  Pool2dOptions options;
  Shape y() const {
    const auto size = [](std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
      return (in + 2 * padding - kernel) / stride + 1;
    };
    const Pool2dOptions& o = options;
    return {x[0], x[1], size(x[2], o.kernel.h, o.stride.h, o.padding.h),
            size(x[3], o.kernel.w, o.stride.w, o.padding.w)};
  }
};

const Problem problems[] = {
    {{3, 2, 8, 8}, {2, 2, 0}},                  // 2x2 tiles in pairs
    {{3, 2, 9, 8}, {2, 2, 0}},                  // a remainder row
    {{3, 4, 8, 6}, {2, 2, 0}},                  // an odd number of outputs per row
    {{2, 8, 7, 9}, {3, 2, 1}},                  // overlapping windows that extend past the edges
    {{2, 3, 11, 5}, {{3, 2}, {1, 3}, {1, 1}}},  // stride larger than the window
    {{1, 1, 1, 1}, {1, 1, 0}},
    {{1, 5, 13, 17}, {5, 5, 2}},
    {{2, 4, 20, 20}, {{17, 16}, {1, 2}, {8, 8}}},  // 272 elements: int64 indices
    {{0, 4, 6, 6}, {2, 2, 0}},
    {{70'000, 1, 2, 2}, {2, 2, 0}},  // more planes than gridDim.y allows
};

// x and the outputs of a call on one device.
struct Outcome {
  Tensor y, indices, gx;
};
Outcome pool(const Problem& p, bool maximum, const Tensor& x, const Tensor& g, Placement of_result) {
  const Device device = x.device();
  const bool small = p.options.kernel.h * p.options.kernel.w <= 256;
  Outcome o{empty_as(of_result, p.y(), x.dtype(), device), {}, empty_as(of_result, p.x, x.dtype(), device)};
  if (maximum) {
    o.indices = empty_as(of_result, p.y(), small ? DType::uint8 : DType::int64, device);
    kernel::max_pool2d(x, p.options, o.y, o.indices);
    kernel::max_pool2d_backward(g, o.indices, p.options, o.gx);
  } else {
    kernel::avg_pool2d(x, p.options, o.y);
    kernel::avg_pool2d_backward(g, p.options, o.gx);
  }
  return o;
}

TEST_F(CudaPool2d, AgreesWithThePortableProvider) {
  for (const Problem& p : problems) {
    for (const DType dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16}) {
      const bool half = dtype == DType::float16 || dtype == DType::bfloat16;
      for (const Placement of_x : {Placement::aligned, Placement::channels_last, Placement::offset_by_one}) {
        for (const Placement of_y :
             {Placement::aligned, Placement::channels_last, Placement::offset_by_one}) {
          if (p.x[0] > 1000 && (of_x != of_y || dtype != DType::float32)) continue;
          const Twins x = twins(of_x, p.x, dtype, 1), g = twins(of_x, p.y(), dtype, 2);
          for (const bool maximum : {true, false}) {
            SCOPED_TRACE(testing::Message() << p.x << ", kernel " << p.options.kernel.h << ", " << dtype
                                            << ", " << static_cast<int>(of_x) << " to "
                                            << static_cast<int>(of_y) << (maximum ? ", max" : ", mean"));
            const auto wide = [&](const Tensor& t) { return half ? t.contiguous().to(DType::float32) : t; };
            const Outcome got = pool(p, maximum, x.device, g.device, of_y);
            const Outcome want = pool(p, maximum, wide(x.host), wide(g.host), of_y);
            const double units = maximum && p.options.kernel == p.options.stride ? 0 : 4;
            expect_same(got.y, half ? want.y.contiguous().to(dtype) : want.y, maximum ? 0 : 4);
            if (maximum) expect_same(got.indices, want.indices);
            expect_same(got.gx, half ? want.gx.contiguous().to(dtype) : want.gx, units);
          }
        }
      }
    }
  }
}

TEST_F(CudaPool2d, TheLastNanIsTheMaximum) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const Tensor x = Tensor::from(std::vector<float>{1, nan, 5, 5, nan, 7, 5, 5,  //
                                                   -inf, -inf, inf, 0, -inf, -inf, 0, nan},
                                {1, 1, 4, 4});
  for (const Pool2dOptions& options : {Pool2dOptions{2, 2, 0}, Pool2dOptions{3, 1, 1}}) {
    const Shape shape = Problem{x.shape(), options}.y();
    Tensor y = Tensor::empty(shape), indices = Tensor::empty(shape, {DType::uint8});
    Tensor dy = Tensor::empty(shape, {DType::float32, "cuda"}),
           di = Tensor::empty(shape, {DType::uint8, "cuda"});
    kernel::max_pool2d(x, options, y, indices);
    kernel::max_pool2d(x.to("cuda"), options, dy, di);
    expect_same(dy, y);
    expect_same(di, indices);
    Tensor none, again = Tensor::empty(shape, {DType::float32, "cuda"});
    kernel::max_pool2d(x.to("cuda"), options, again, none);  // inference: no indices
    expect_same(again, y);
  }
}

// Index arithmetic at sizes too large to allocate, in 31 bits and beyond.
TEST(CudaPool2dIndex, WindowsAlongAnAxis) {
  const auto check = [](auto index, std::int64_t input, std::int64_t kernel, std::int64_t stride,
                        std::int64_t padding) {
    using Index = decltype(index);
    const std::int64_t output = (input + 2 * padding - kernel) / stride + 1;
    const cuda::PoolAxis<Index> axis(input, output, kernel, stride, padding);
    for (const std::int64_t i : {std::int64_t{0}, std::int64_t{1}, kernel, input / 2, input - 1}) {
      if (i >= input) continue;
      const auto windows = axis.windows_of(static_cast<Index>(i));
      const auto contains = [&](std::int64_t o) {
        if (o < 0 || o >= output) return false;
        const std::int64_t element = i - (o * stride - padding);
        return element >= 0 && element < kernel;
      };
      EXPECT_FALSE(contains(windows.first - 1));
      EXPECT_FALSE(contains(windows.last));
      for (std::int64_t o = windows.first; o < windows.last; ++o) {
        ASSERT_TRUE(contains(o));
        const auto inside = axis.inside(axis.start(static_cast<Index>(o)));
        const std::int64_t element = i - (o * stride - padding);
        EXPECT_TRUE(element >= inside.first && element < inside.last);
      }
    }
  };
  for (const std::int64_t kernel : {1, 2, 3, 7})
    for (const std::int64_t stride : {1, 2, 5})
      for (const std::int64_t padding : {std::int64_t{0}, kernel / 2})
        for (const std::int64_t input : {std::int64_t{7}, std::int64_t{24}, std::int64_t{500'000'000}}) {
          check(std::int32_t{}, input, kernel, stride, padding);
          check(std::int64_t{}, input, kernel, stride, padding);
          check(std::int64_t{}, input << 8, kernel, stride, padding);
        }
}

}  // namespace
}  // namespace metron::test
