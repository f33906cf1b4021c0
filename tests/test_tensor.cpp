// Tensors: creation, views, layouts, conversion, printing and errors.
#include <metron/core/autograd.h>
#include <metron/core/ops.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <sstream>

#include "expect_error.h"

namespace metron::test {
namespace {

constexpr DType all_dtypes[] = {DType::float32,  DType::float64, DType::float16,
                                DType::bfloat16, DType::int64,   DType::uint8};

Tensor counting(const Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return Tensor::from(values, shape);
}

template <typename T>
std::string printed(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

// ---- Dims, Device, DType ----

TEST(Dims, InsertErasePushBack) {
  Dims dims{2, 3};
  dims.push_back(5);
  dims.insert(0, 7);
  EXPECT_EQ(dims, (Dims{7, 2, 3, 5}));
  dims.insert(2, 9);
  EXPECT_EQ(dims, (Dims{7, 2, 9, 3, 5}));
  dims.erase(0);
  dims.erase(3);
  EXPECT_EQ(dims, (Dims{2, 9, 3}));
  EXPECT_EQ(dims.numel(), 54);
  EXPECT_EQ(dims.back(), 3);
  EXPECT_EQ(Dims{}.numel(), 1);
  EXPECT_NE((Dims{1}), (Dims{1, 1}));
  EXPECT_EQ(printed(Dims{2, 9, 3}), "(2, 9, 3)");
  EXPECT_EQ(printed(Dims{4}), "(4,)");
  EXPECT_EQ(printed(Dims{}), "()");
}

TEST(Dims, HoldEightAtMost) {
  Dims dims = Dims::filled(8, 1);
  expect_error<ShapeError>([&] { dims.push_back(1); }, {"8", "9"});
  expect_error<ShapeError>([] { (void)Dims::filled(9, 1); }, {"8", "9"});
  expect_error<ShapeError>([] { (void)(Dims{1, 2, 3, 4, 5, 6, 7, 8, 9}); }, {"8", "9"});
}

TEST(Shapes, Broadcast) {
  EXPECT_EQ(broadcast_shapes("op", {3, 1}, {4}), (Shape{3, 4}));
  EXPECT_EQ(broadcast_shapes("op", {}, {2, 3}), (Shape{2, 3}));
  EXPECT_EQ(broadcast_shapes("op", {0, 1}, {1, 5}), (Shape{0, 5}));
  expect_error<ShapeError>([] { broadcast_shapes("op", {2, 3}, {2}); }, {"[op]", "(2, 3)", "(2,)"});
  expect_error<ShapeError>([] { broadcast_shapes("op", {0}, {3}); }, {"[op]", "(0,)", "(3,)"});
}

TEST(Shapes, AxesCountFromEitherEnd) {
  EXPECT_EQ(checked_axis("op", -1, 3), 2);
  EXPECT_EQ(checked_axis("op", 0, 3), 0);
  expect_error<ShapeError>([] { checked_axis("op", 3, 3); }, {"[op]", "3"});
  expect_error<ShapeError>([] { checked_axis("op", -4, 3); }, {"[op]", "-4"});
  expect_error<ShapeError>([] { checked_axis("op", 0, 0); }, {"[op]", "rank 0"});
}

TEST(Devices, HaveNames) {
  EXPECT_EQ(Device("cpu"), Device());
  EXPECT_EQ(Device("cuda"), Device(Device::Type::cuda, 0));
  EXPECT_EQ(Device("cuda:3").index(), 3);
  EXPECT_EQ(Device("cuda:3").name(), "cuda:3");
  EXPECT_EQ(Device().name(), "cpu");
  for (const char* name :
       {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cpu:1", "CUDA", "cuda:99999999999"})
    expect_error<ValueError>([=] { (void)Device(name); }, {"[device]", name});
}

TEST(Devices, RejectMissingDevices) {
  if (has_device("cuda")) GTEST_SKIP() << "this machine has a CUDA device";
  expect_error<DeviceError>([] { (void)Tensor::empty({1}, {DType::float32, "cuda"}); }, {"cuda:0"});
}

TEST(Tensors, UndefinedTensorsThrow) {
  const Tensor none;
  EXPECT_FALSE(none.defined());
  EXPECT_EQ(std::string(describe(none)), "undefined tensor");
  for (const auto& use : std::vector<std::function<void()>>{
           [&] { (void)none.shape(); }, [&] { (void)none.numel(); }, [&] { (void)none.dtype(); },
           [&] { (void)none.device(); }, [&] { (void)none.item<float>(); }, [&] { (void)none.reshape({1}); },
           [&] { (void)none.detach(); }, [&] { (void)none.clone(); }, [&] { none.backward(); },
           [&] { (void)none.requires_grad(); }, [&] { (void)none.grad(); }, [&] { Tensor().fill_(1); },
           [&] { (void)none.to_vector<float>(); }, [&] { Tensor().set_requires_grad(); },
           [&] { (void)none.is_contiguous(); }, [&] { Tensor().retain_grad(); },
           [&] { Tensor().set_grad({}); }, [&] { Tensor().copy_(Tensor::ones({1})); },
           [&] { (void)none.version(); }})
    expect_error<ValueError>(use, {"undefined tensor"});
  EXPECT_FALSE(Tensor::ones({2}).set_requires_grad().grad().defined()) << "no backward pass has been";
}

// ---- float16 and bfloat16, all bit patterns ----

template <typename T>
double value_of_pattern(std::uint32_t pattern, int exponent_bits) {
  const int mantissa_bits = 15 - exponent_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>(pattern >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const double mantissa = pattern & ((1u << mantissa_bits) - 1);
  const double sign = (pattern & 0x8000u) != 0 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) return mantissa == 0 ? sign * infinity : nan;
  const double fraction = mantissa / (1 << mantissa_bits) + (exponent == 0 ? 0 : 1);
  return sign * std::ldexp(fraction, (exponent == 0 ? 1 : exponent) - bias);
}

template <typename T>
T of_bits(std::uint32_t bits) {
  T value;
  value.bits = static_cast<std::uint16_t>(bits);
  return value;
}

template <typename T>
void expect_all_patterns(int exponent_bits) {
  for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
    const T half = of_bits<T>(pattern);
    const double value = value_of_pattern<T>(pattern, exponent_bits);
    const float single = static_cast<float>(half);
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(single)) << pattern;
      ASSERT_TRUE(std::isnan(static_cast<float>(T(single)))) << pattern;
      continue;
    }
    ASSERT_EQ(single, value) << pattern;
    ASSERT_EQ(std::signbit(single), std::signbit(value)) << pattern;
    ASSERT_EQ(T(single).bits, pattern);
    // The midpoint to the next value, and the adjacent floats.
    const double next = value_of_pattern<T>(pattern + 1, exponent_bits);
    if ((pattern & 0x7fffu) == 0x7fffu || !std::isfinite(next)) continue;
    const float middle = static_cast<float>((value + next) / 2);
    ASSERT_EQ(T(middle).bits, pattern % 2 == 0 ? pattern : pattern + 1) << pattern;
    ASSERT_EQ(T(std::nextafterf(middle, static_cast<float>(value))).bits, pattern);
    ASSERT_EQ(T(std::nextafterf(middle, static_cast<float>(next))).bits, pattern + 1);
  }
}

TEST(Float16, AllPatternsRoundTripAndRoundToNearestEven) {
  expect_all_patterns<float16>(5);
  EXPECT_EQ(float16(65519.0f).bits, 0x7bff);
  EXPECT_EQ(float16(65520.0f).bits, 0x7c00);
  EXPECT_EQ(float16(-1e30f).bits, 0xfc00);
  EXPECT_EQ(float16(1e-30f).bits, 0);
  EXPECT_EQ(float16(-1e-30f).bits, 0x8000);
}

TEST(BFloat16, AllPatternsRoundTripAndRoundToNearestEven) {
  expect_all_patterns<bfloat16>(8);
  EXPECT_EQ(bfloat16(3.4e38f).bits, 0x7f80);
}

// The kernels convert vectors, perhaps with other instructions.
template <typename T>
void expect_conversion_kernels() {
  std::vector<T> patterns;
  std::vector<float> singles;
  for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
    patterns.push_back(of_bits<T>(pattern));
    const float value = static_cast<float>(patterns.back());
    for (const float around : {value, value * 1.0001f, std::nextafterf(value, 1e38f)})
      singles.push_back(around);
  }
  const std::vector<float> widened =
      Tensor::from(patterns, {0x10000}).to(DType::float32).template to_vector<float>();
  const auto count = static_cast<std::int64_t>(singles.size());
  const std::vector<T> narrowed = Tensor::from(singles, {count}).to(dtype_of<T>).template to_vector<T>();
  const std::vector<double> doubled =
      Tensor::from(patterns, {0x10000}).to(DType::float64).template to_vector<double>();
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const float value = static_cast<float>(patterns[i]);
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(widened[i]) && std::isnan(doubled[i])) << i;
    } else {
      ASSERT_EQ(widened[i], value) << i;
      ASSERT_EQ(doubled[i], value) << i;
    }
  }
  for (std::size_t i = 0; i < singles.size(); ++i) {
    const T want(singles[i]);
    if (std::isnan(static_cast<float>(want))) {
      ASSERT_TRUE(std::isnan(static_cast<float>(narrowed[i]))) << singles[i];
    } else {
      ASSERT_EQ(narrowed[i].bits, want.bits) << singles[i];
    }
  }
}

TEST(Float16, KernelConversionsMatchScalars) { expect_conversion_kernels<float16>(); }
TEST(BFloat16, KernelConversionsMatchScalars) { expect_conversion_kernels<bfloat16>(); }

TEST(Conversions, BetweenAllDtypes) {
  for (const DType from : all_dtypes) {
    for (const DType to : all_dtypes) {
      const Tensor x = Tensor::full({3, 5}, 7, {from});
      const Tensor y = x.to(to);
      EXPECT_EQ(y.dtype(), to);
      EXPECT_EQ(y.to(DType::float64).to_vector<double>(), std::vector<double>(15, 7)) << from << " to " << to;
      EXPECT_EQ(x.is_same(y), from == to);
    }
  }
}

TEST(Conversions, ToIntegersTruncate) {
  const Tensor x = Tensor::from(std::vector<double>{1.9, -1.9, 0.5, 0x1p53}, {4});
  EXPECT_EQ(x.to(DType::int64).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{1, -1, 0, std::int64_t{1} << 53}));
  EXPECT_EQ(Tensor::from(std::vector<float>{0, 1.9f, 255}, {3}).to(DType::uint8).to_vector<std::uint8_t>(),
            (std::vector<std::uint8_t>{0, 1, 255}));
}

// ---- Factories ----

TEST(Factories, FullOfEveryDtype) {
  for (const DType dtype : all_dtypes) {
    const Tensor x = Tensor::full({2, 3}, 5, {dtype});
    EXPECT_EQ(x.dtype(), dtype);
    EXPECT_EQ(x.bytes(), 6 * size_of(dtype));
    EXPECT_EQ(x.to(DType::float64).to_vector<double>(), std::vector<double>(6, 5)) << dtype;
    EXPECT_EQ(Tensor::zeros({3}, {dtype}).to(DType::float64).to_vector<double>(), std::vector<double>(3, 0));
    EXPECT_EQ(Tensor::ones({3}, {dtype}).to(DType::float64).to_vector<double>(), std::vector<double>(3, 1));
  }
}

TEST(Factories, FromKeepsRowMajorOrder) {
  const Tensor x = counting({2, 3});
  EXPECT_EQ(x.strides(), (Strides{3, 1}));
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  expect_error<ShapeError>(
      [] {
        (void)Tensor::from(std::vector<float>{1, 2}, {3});
      },
      {"[from]", "(3,)", "3", "2"});
}

TEST(Factories, RankZeroAndEmpty) {
  const Tensor scalar = Tensor::full({}, 3);
  EXPECT_EQ(scalar.rank(), 0);
  EXPECT_EQ(scalar.numel(), 1);
  EXPECT_EQ(scalar.item<float>(), 3);
  const Tensor nothing = Tensor::zeros({2, 0, 3});
  EXPECT_EQ(nothing.numel(), 0);
  EXPECT_TRUE(nothing.to_vector<float>().empty());
  EXPECT_TRUE(nothing.is_contiguous() && nothing.is_dense());
  expect_error<ShapeError>([&] { (void)nothing.item<float>(); }, {"[item]", "(2, 0, 3)"});
}

TEST(Factories, RejectInvalidShapes) {
  constexpr std::int64_t huge = std::int64_t{1} << 40;
  expect_error<ShapeError>([] { (void)Tensor::empty({2, -1}); }, {"[empty]", "(2, -1)"});
  expect_error<ShapeError>([] { (void)Tensor::empty({huge, huge}); }, {"[empty]", "too many"});
  expect_error<ShapeError>([] { (void)Tensor::empty({0, huge, huge}); }, {"[empty]", "too many"});
  expect_error<OutOfMemoryError>([] { (void)Tensor::empty({huge, 1 << 16}); }, {"memory"});
}

TEST(Factories, EmptyLikeKeepsADenseLayout) {
  const Tensor image = Tensor::zeros({2, 3, 4, 5}, {DType::float32, {}, MemoryFormat::channels_last});
  EXPECT_EQ(Tensor::empty_like(image).strides(), image.strides());
  EXPECT_EQ(Tensor::empty_like(image, DType::int64).dtype(), DType::int64);
  const Tensor transposed = counting({2, 3}).transpose(0, 1);
  EXPECT_EQ(Tensor::empty_like(transposed).strides(), transposed.strides());
  const Tensor sliced = counting({2, 6}).slice(1, 0, 6, 2);
  EXPECT_EQ(Tensor::empty_like(sliced).strides(), (Strides{3, 1}));
  const Tensor expanded = counting({1, 3}).expand({4, 3});
  EXPECT_EQ(Tensor::empty_like(expanded).strides(), (Strides{3, 1}));
}

// ---- Access ----

TEST(Access, RejectsAnotherDtype) {
  Tensor x = counting({2});
  expect_error<DTypeError>([&] { (void)x.data<double>(); }, {"float32", "float64"});
  expect_error<DTypeError>([&] { (void)x.mutable_data<std::int64_t>(); }, {"float32", "int64"});
  expect_error<DTypeError>([&] { (void)x.to_vector<std::uint8_t>(); }, {"float32", "uint8"});
  expect_error<DTypeError>([&] { (void)Tensor::zeros({1}).item<double>(); }, {"float32", "float64"});
  expect_error<ShapeError>([&] { (void)x.item<float>(); }, {"[item]", "(2,)"});
}

TEST(Access, CountsWritesThroughAllAliases) {
  Tensor x = counting({4});
  Tensor half = x.slice(0, 2, 4);
  const std::uint64_t before = x.version();
  (void)half.data<float>();
  EXPECT_EQ(x.version(), before);
  half.mutable_data<float>()[0] = 9;
  EXPECT_GT(x.version(), before);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 1, 9, 3}));
}

TEST(Access, HandlesAreShared) {
  Tensor x = counting({3});
  const Tensor same = x;
  EXPECT_TRUE(same.is_same(x));
  x.fill_(1);
  EXPECT_EQ(same.to_vector<float>(), (std::vector<float>{1, 1, 1}));
  const Tensor copy = x.clone();
  x.fill_(2);
  EXPECT_EQ(copy.to_vector<float>(), (std::vector<float>{1, 1, 1}));
  EXPECT_FALSE(Tensor().defined());
}

TEST(Access, SizesCountFromEitherEnd) {
  const Tensor x = counting({2, 3, 5});
  EXPECT_EQ(x.size(0), 2);
  EXPECT_EQ(x.size(-1), 5);
  EXPECT_THROW((void)x.size(3), ShapeError);
  EXPECT_THROW((void)x.size(-4), ShapeError);
}

// ---- Views ----

TEST(Views, ShareElements) {
  const Tensor x = counting({2, 3, 4});
  const Tensor views[] = {x.reshape({6, 4}),
                          x.permute({2, 0, 1}),
                          x.transpose(0, -1),
                          x.slice(1, 1, 3),
                          x.select(0, 1),
                          x.flatten(),
                          x.unsqueeze(1),
                          x.unsqueeze(-1),
                          x.unsqueeze(1).squeeze(1),
                          x.select(1, 0).unsqueeze(0).expand({5, 2, 4})};
  for (const Tensor& view : views) EXPECT_EQ(view.storage(), x.storage()) << view.shape();
}

TEST(Views, ShowTheRightElements) {
  const Tensor x = counting({2, 3, 4});
  EXPECT_EQ(x.transpose(0, 2).shape(), (Shape{4, 3, 2}));
  EXPECT_EQ(x.permute({2, 0, 1}).select(0, 3).to_vector<float>(), (std::vector<float>{3, 7, 11, 15, 19, 23}));
  EXPECT_EQ(x.select(-1, -1).to_vector<float>(), (std::vector<float>{3, 7, 11, 15, 19, 23}));
  EXPECT_EQ(x.slice(2, 0, 4, 3).select(0, 1).to_vector<float>(),
            (std::vector<float>{12, 15, 16, 19, 20, 23}));
  EXPECT_EQ(x.select(0, 1).select(0, 2).to_vector<float>(), (std::vector<float>{20, 21, 22, 23}));
  EXPECT_EQ(x.select(0, 1).slice(1, 1, 3).transpose(0, 1).to_vector<float>(),
            (std::vector<float>{13, 17, 21, 14, 18, 22}));
  EXPECT_EQ(counting({3}).unsqueeze(1).expand({3, 2}).to_vector<float>(),
            (std::vector<float>{0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(x.transpose(1, 2).reshape({-1}).to_vector<float>()[1], 4);
}

TEST(Views, StridedViewsStayInsideTheStorage) {
  const Tensor x = counting({10});
  EXPECT_EQ(x.as_strided({2, 3}, {4, 1}, 1).to_vector<float>(), (std::vector<float>{1, 2, 3, 5, 6, 7}));
  EXPECT_EQ(x.as_strided({3}, {-2}, 5).to_vector<float>(), (std::vector<float>{5, 3, 1}));
  EXPECT_EQ(x.as_strided({0}, {100}, 99).numel(), 0);
  expect_error<ShapeError>([&] { (void)x.as_strided({2, 3}, {4, 2}, 2); }, {"[as_strided]", "10"});
  expect_error<ShapeError>([&] { (void)x.as_strided({3}, {-2}, 3); }, {"[as_strided]", "-1"});
  expect_error<ShapeError>([&] { (void)x.as_strided({1}, {1}, -1); }, {"[as_strided]", "-1"});
  expect_error<ShapeError>([&] { (void)x.as_strided({2}, {1, 1}, 0); }, {"[as_strided]", "(2,)", "(1, 1)"});
}

// ---- Layouts ----

TEST(Layout, OfDenseTensors) {
  const Tensor row_major = counting({2, 3, 4, 5});
  EXPECT_TRUE(row_major.is_contiguous() && row_major.is_dense());
  EXPECT_FALSE(row_major.is_channels_last());
  const Tensor last = row_major.to(MemoryFormat::channels_last);
  EXPECT_EQ(last.strides(), (Strides{60, 1, 15, 3}));
  EXPECT_TRUE(last.is_channels_last() && last.is_dense());
  EXPECT_FALSE(last.is_contiguous());
  EXPECT_EQ(last.shape(), row_major.shape());
  EXPECT_EQ(last.to_vector<float>(), row_major.to_vector<float>());
  EXPECT_TRUE(last.permute({0, 2, 3, 1}).is_contiguous());
  EXPECT_TRUE(last.to(MemoryFormat::channels_last).is_same(last));
  EXPECT_TRUE(row_major.contiguous().is_same(row_major));
  EXPECT_EQ(last.contiguous().strides(), row_major.strides());
}

TEST(Layout, OneChannelOrOnePixelIsBoth) {
  for (const Shape& shape : {Shape{2, 1, 4, 5}, Shape{2, 7, 1, 1}, Shape{1, 1, 1, 1}, Shape{0, 3, 4, 5}}) {
    const Tensor x = Tensor::zeros(shape);
    EXPECT_TRUE(x.is_contiguous() && x.is_channels_last()) << shape;
  }
}

TEST(Layout, ViewsWithGapsOrOverlapAreNotDense) {
  const Tensor x = counting({4, 6});
  EXPECT_TRUE(x.transpose(0, 1).is_dense());
  EXPECT_FALSE(x.transpose(0, 1).is_contiguous());
  EXPECT_FALSE(x.slice(1, 0, 3).is_dense());
  EXPECT_TRUE(x.slice(0, 1, 3).is_contiguous());
  EXPECT_FALSE(x.slice(1, 0, 6, 2).is_dense());
  EXPECT_FALSE(counting({1, 3}).expand({4, 3}).is_dense());
  EXPECT_TRUE(x.select(0, 1).is_contiguous());
  EXPECT_FALSE(x.select(1, 1).is_contiguous());
}

// ---- In place ----

TEST(InPlace, ChangesTheElementsOfAView) {
  Tensor x = Tensor::zeros({3, 4});
  x.select(1, 1).fill_(5);
  x.slice(0, 2, 3).add_(Tensor::ones({4}), 2).mul_(3);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 5, 0, 0, 0, 5, 0, 0, 6, 21, 6, 6}));
}

// ---- Printing ----

TEST(Printing, ShowsTypeShapeDeviceAndElements) {
  EXPECT_EQ(printed(counting({2, 2})), "Tensor(float32 (2, 2) on cpu: [[0, 1], [2, 3]])");
  EXPECT_EQ(printed(Tensor::full({}, 1.5)), "Tensor(float32 () on cpu: 1.5)");
  EXPECT_EQ(printed(Tensor::full({2}, 200, {DType::uint8})), "Tensor(uint8 (2,) on cpu: [200, 200])");
  EXPECT_EQ(printed(Tensor::full({1}, 0.5, {DType::bfloat16})), "Tensor(bfloat16 (1,) on cpu: [0.5])");
  EXPECT_EQ(printed(counting({2, 2}).transpose(0, 1)), "Tensor(float32 (2, 2) on cpu: [[0, 2], [1, 3]])");
  EXPECT_EQ(printed(counting({100})), "Tensor(float32 (100,) on cpu)");
  EXPECT_EQ(printed(Tensor::zeros({0, 2})), "Tensor(float32 (0, 2) on cpu)");
  EXPECT_EQ(printed(Tensor()), "Tensor(undefined)");
  EXPECT_EQ(std::string(describe(counting({2, 2}))), "float32 (2, 2)");
}

}  // namespace
}  // namespace metron::test
