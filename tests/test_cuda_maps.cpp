// The kernels that map elements to elements on the device cuda: layouts, alignments and sizes that the table
// of op cases does not have, and index arithmetic beyond 2^31.
#include <metron/core/ops.h>
#include <metron/core/random.h>
#include <metron/kernels/kernels.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <metron/kernels/cuda/index.cuh>
#include <random>
#include <vector>

#include "device_test.h"
#include "walk.h"

namespace metron::test {
namespace {

using cuda::NestIndex;

constexpr DType floating[] = {DType::float32, DType::float64, DType::float16, DType::bfloat16};

// ---- Index arithmetic, on the host ----

LoopNest nest_of(const std::vector<std::int64_t>& sizes,
                 const std::vector<std::array<std::int64_t, max_operands>>& strides) {
  LoopNest nest;
  nest.rank = static_cast<int>(sizes.size());
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    nest.sizes[d] = sizes[d];
    nest.strides[d] = strides[d];
    nest.numel *= sizes[d];
  }
  return nest;
}

// The coordinates of a position of operand 0, which is dense.
std::array<std::int64_t, max_rank> coordinates(const LoopNest& nest, std::int64_t position) {
  std::array<std::int64_t, max_rank> result{};
  for (std::size_t d = 0; d < static_cast<std::size_t>(nest.rank); ++d) {
    result[d] = position % nest.sizes[d];
    position /= nest.sizes[d];
  }
  return result;
}

struct Box {
  std::array<std::int64_t, max_rank> first, sizes;
  bool meets(const Box& other, int rank) const {
    for (std::size_t d = 0; d < static_cast<std::size_t>(rank); ++d) {
      if (first[d] + sizes[d] <= other.first[d] || other.first[d] + other.sizes[d] <= first[d]) return false;
    }
    return true;
  }
};

// That the parts of a nest, as kernels read them, make up the nest: they are boxes of its index space that do
// not meet, their sizes add up, and at samples of their positions every operand's offset is that in the nest.
void check_parts(const LoopNest& nest, std::size_t wanted_parts) {
  constexpr int operands = 3;
  std::mt19937_64 engine(2);
  std::int64_t total = 0;
  std::vector<Box> boxes;
  cuda::for_each_part(nest, operands, [&](const LoopNest& part, const auto& begin) {
    ASSERT_TRUE(cuda::fits_index(part, operands));
    ASSERT_EQ(part.rank, nest.rank);
    const NestIndex<operands> index(part);
    for (int sample = 0; sample < 1000; ++sample) {
      std::uint64_t position = engine() % static_cast<std::uint64_t>(part.numel);
      if (sample < 2) position = sample == 0 ? 0 : static_cast<std::uint64_t>(part.numel - 1);
      std::int32_t offsets[operands];
      index.offsets(static_cast<std::uint32_t>(position), offsets);
      const auto at = coordinates(nest, begin[0] + offsets[0]);
      for (std::size_t k = 0; k < operands; ++k) {
        std::int64_t want = 0;
        for (std::size_t d = 0; d < static_cast<std::size_t>(nest.rank); ++d)
          want += at[d] * nest.strides[d][k];
        ASSERT_EQ(begin[k] + offsets[k], want);
      }
    }
    total += part.numel;
    boxes.push_back({coordinates(nest, begin[0]), part.sizes});
    for (std::size_t i = 0; i + 1 < boxes.size(); ++i) EXPECT_FALSE(boxes[i].meets(boxes.back(), nest.rank));
  });
  EXPECT_EQ(total, nest.numel);
  EXPECT_EQ(boxes.size(), wanted_parts);
}

TEST(CudaIndex, NestsBeyondThirtyOneBitsAreCutIntoParts) {
  constexpr std::int64_t two_to_31 = std::int64_t{1} << 31;
  check_parts(nest_of({1000}, {{1, 1, 0}}), 1);
  check_parts(nest_of({7, 11, 13}, {{1, 143, 0}, {7, 13, 1}, {77, 1, 0}}), 1);
  check_parts(nest_of({two_to_31 - 1}, {{1, 1, 1}}), 1);
  check_parts(nest_of({two_to_31}, {{1, 1, 1}}), 2);
  check_parts(nest_of({3 * two_to_31 + 5}, {{1, 1, 0}}), 7);
  // A transposition of (60000, 50000), broadcast along the other axis in operand 2.
  check_parts(nest_of({60000, 50000}, {{1, 50000, 0}, {60000, 1, 1}}), 4);
  // Few positions, far apart in one operand.
  check_parts(nest_of({100, 3}, {{1, 1, 0}, {100, two_to_31, 1}}), 3);
}

TEST(CudaIndex, PacksBeginWhereAllOperandsAreAligned) {
  const auto operands_at = [](std::vector<std::size_t> addresses, std::size_t bytes) {
    std::vector<cuda::NestOperand> list;
    for (const std::size_t address : addresses)
      list.push_back({std::bit_cast<const void*>(std::uintptr_t{address}), bytes});
    return list;
  };
  const LoopNest dense = nest_of({1000}, {{1, 1, 1}});
  const auto aligned = cuda::packed_nest(dense, operands_at({4096, 8192}, 4), 4);
  ASSERT_TRUE(aligned);
  EXPECT_EQ(aligned->count, 250);
  EXPECT_EQ(aligned->edges, 0);

  const auto shifted = cuda::packed_nest(dense, operands_at({4096 + 4, 8192 + 4}, 4), 4);
  ASSERT_TRUE(shifted);
  EXPECT_EQ(shifted->head, 3);
  EXPECT_EQ(shifted->count, 249);
  EXPECT_EQ(shifted->edges, 4);
  EXPECT_FALSE(cuda::packed_nest(dense, operands_at({4096, 8192 + 4}, 4), 4)) << "no common start";

  const auto scalar =
      cuda::packed_nest(nest_of({1000}, {{1, 0, 1}}), operands_at({4096, 8192 + 4, 4096}, 4), 4);
  ASSERT_TRUE(scalar);
  EXPECT_EQ(scalar->constants, 2);

  // Rows of 12: packs lie within rows. Rows of 13 do not hold them.
  EXPECT_TRUE(cuda::packed_nest(nest_of({12, 5}, {{1, 1}, {12, 0}}), operands_at({4096, 8192}, 4), 4));
  EXPECT_FALSE(cuda::packed_nest(nest_of({13, 5}, {{1, 1}, {13, 0}}), operands_at({4096, 8192}, 4), 4));
  EXPECT_FALSE(cuda::packed_nest(nest_of({12, 5}, {{1, 1}, {13, 0}}), operands_at({4096, 8192}, 4), 4));

  const auto tiny = cuda::packed_nest(nest_of({2}, {{1, 1}}), operands_at({4096, 8192}, 4), 4);
  ASSERT_TRUE(tiny);
  EXPECT_EQ(tiny->count, 0);
  EXPECT_EQ(tiny->edges, 2);
}

// ---- On the device ----

class CudaMaps : public DeviceTest {};

// How the elements of a test tensor lie in their storage.
enum class Lie { aligned, offset_by_one, transposed, every_second, channels_last };
constexpr Lie lies[] = {Lie::aligned, Lie::offset_by_one, Lie::transposed, Lie::every_second,
                        Lie::channels_last};

// (a, b, c, d), not initialised.
Tensor empty_as(Lie lie, const Shape& shape, DType dtype, Device device) {
  const TensorOptions options{dtype, device, MemoryFormat::contiguous};
  const std::int64_t a = shape[0], b = shape[1], c = shape[2], d = shape[3];
  switch (lie) {
    case Lie::aligned:
      return Tensor::empty(shape, options);
    case Lie::offset_by_one:
      return Tensor::empty({shape.numel() + 1}, options).slice(0, 1, shape.numel() + 1).reshape(shape);
    case Lie::transposed:
      return Tensor::empty({d, b, c, a}, options).transpose(0, 3);
    case Lie::every_second:
      return Tensor::empty({a, b, c, 2 * d}, options).slice(3, 0, 2 * d, 2);
    case Lie::channels_last:
      return Tensor::empty(shape, {dtype, device, MemoryFormat::channels_last});
  }
  return {};
}

// The same values on both devices, in the same place.
struct Twins {
  Tensor host, device;
};
Twins twins(Lie lie, const Shape& shape, DType dtype, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_int_distribution<int> steps(-64, 64);
  std::vector<float> values(static_cast<std::size_t>(shape.numel()));
  for (float& value : values) value = static_cast<float>(steps(engine)) / 32;
  const Tensor source = Tensor::from(values, shape).to(dtype);
  Twins result{empty_as(lie, shape, dtype, Device()), empty_as(lie, shape, dtype, "cuda")};
  result.host.copy_(source);
  result.device.copy_(source);
  return result;
}

// Exactly, or within a few units of the last place of the dtype.
void expect_same(const Tensor& got, const Tensor& want, double units = 0) {
  const double unit = want.dtype() == DType::float64    ? 0x1p-52
                      : want.dtype() == DType::float16  ? 0x1p-10
                      : want.dtype() == DType::bfloat16 ? 0x1p-7
                                                        : 0x1p-23;
  EXPECT_TRUE(close(to_array(got), to_array(want), units * unit));
}

const Shape shapes[] = {{1, 1, 1, 1}, {2, 3, 5, 7},    {3, 4, 4, 8},
                        {1, 0, 2, 2}, {1, 1, 1, 1031}, {5, 16, 3, 4}};

TEST_F(CudaMaps, EveryLayoutOfOutputAndInputAgreesWithThePortableProvider) {
  for (const Shape& shape : shapes) {
    for (const Lie of_x : lies) {
      for (const Lie of_y : lies) {
        const Twins x = twins(of_x, shape, DType::float32, 1),
                    g = twins(Lie::aligned, shape, DType::float32, 2);
        Twins y{empty_as(of_y, shape, DType::float32, Device()),
                empty_as(of_y, shape, DType::float32, "cuda")};
        SCOPED_TRACE(testing::Message()
                     << shape << ", x " << static_cast<int>(of_x) << ", y " << static_cast<int>(of_y));
        for (const Unary& f : {Unary{UnaryOp::relu}, Unary{UnaryOp::affine, 2, -3}}) {
          kernel::unary(f, x.host, y.host);
          kernel::unary(f, x.device, y.device);
          expect_same(y.device, y.host);
          kernel::unary_backward(f, g.host, x.host, x.host, y.host);
          kernel::unary_backward(f, g.device, x.device, x.device, y.device);
          expect_same(y.device, y.host);
        }
        kernel::binary(BinaryOp::mul, g.host, x.host, y.host);
        kernel::binary(BinaryOp::mul, g.device, x.device, y.device);
        expect_same(y.device, y.host);
        kernel::copy(x.host, y.host);
        kernel::copy(x.device, y.device);
        expect_same(y.device, y.host);
      }
    }
  }
}

TEST_F(CudaMaps, OneElementAndBroadcastRowsStandForAll) {
  for (const Shape& shape : shapes) {
    const Shape row{1, 1, 1, shape[3]}, channel{1, shape[1], 1, 1}, one{1, 1, 1, 1};
    const Twins x = twins(Lie::aligned, shape, DType::float32, 1);
    for (const Shape& small : {row, channel, one}) {
      const Twins b = twins(Lie::offset_by_one, small, DType::float32, 2);
      SCOPED_TRACE(testing::Message() << shape << " and " << small);
      expect_same(add(x.device, b.device), add(x.host, b.host));
      expect_same(sub(b.device, x.device), sub(b.host, x.host));
      expect_same(lt(b.device, x.device), lt(b.host, x.host));
      Tensor spread = Tensor::empty(shape, {DType::float32, "cuda"});
      kernel::copy(b.device.expand(shape), spread);
      expect_same(spread, b.host.expand(shape).contiguous());
    }
  }
}

TEST_F(CudaMaps, EveryFormulaInEveryFloatingType) {
  const Shape shape{2, 3, 5, 7};
  for (const Lie lie : {Lie::offset_by_one, Lie::every_second}) {
    for (const DType dtype : floating) {
      // What 16-bit types give is what float32 gives, rounded.
      const bool half = dtype == DType::float16 || dtype == DType::bfloat16;
      const auto rounded = [&](const Tensor& t) { return half ? t.to(dtype) : t; };
      const auto wide = [&](const Tensor& t) { return half ? t.to(DType::float32) : t; };
      const Twins a = twins(lie, shape, dtype, 1), b = twins(lie, shape, dtype, 2);
      const Tensor x = wide(a.host.contiguous()), g = wide(b.host.contiguous());
      Tensor got = empty_as(lie, shape, dtype, "cuda"), want = Tensor::empty_like(x);
      for (const Unary& f :
           {Unary{UnaryOp::affine, 3, -1}, Unary{UnaryOp::power, 2}, Unary{UnaryOp::power, -1},
            Unary{UnaryOp::power, 3}, Unary{UnaryOp::power, 0}, Unary{UnaryOp::exp}, Unary{UnaryOp::log},
            Unary{UnaryOp::sqrt}, Unary{UnaryOp::relu}, Unary{UnaryOp::gelu}, Unary{UnaryOp::sigmoid},
            Unary{UnaryOp::tanh}, Unary{UnaryOp::clamp, -0.5, 1}}) {
        SCOPED_TRACE(testing::Message() << name_of(f.op) << ' ' << f.a << ", " << dtype);
        kernel::unary(f, a.device, got);
        kernel::unary(f, x, want);
        expect_same(got, rounded(want), 4);
        kernel::unary_backward(f, b.device, a.device, a.device, got);
        kernel::unary_backward(f, g, x, x, want);
        expect_same(got, rounded(want), 4);
      }
      for (const BinaryOp op : {BinaryOp::add, BinaryOp::sub, BinaryOp::mul, BinaryOp::div, BinaryOp::maximum,
                                BinaryOp::minimum}) {
        SCOPED_TRACE(testing::Message() << name_of(op) << ", " << dtype);
        kernel::binary(op, a.device, b.device, got);
        kernel::binary(op, x, g, want);
        expect_same(got, rounded(want), 1);
      }
      Tensor truth = Tensor::empty(shape, {DType::uint8, "cuda"}),
             wanted = Tensor::empty(shape, {DType::uint8});
      for (const CompareOp op :
           {CompareOp::eq, CompareOp::ne, CompareOp::lt, CompareOp::le, CompareOp::gt, CompareOp::ge}) {
        SCOPED_TRACE(testing::Message() << name_of(op) << ", " << dtype);
        kernel::compare(op, a.device, b.device, truth);
        kernel::compare(op, x, g, wanted);
        expect_same(truth, wanted);
        kernel::where(truth, a.device, b.device, got);
        kernel::where(wanted, x, g, want);
        expect_same(got, rounded(want));
      }
    }
  }
}

TEST_F(CudaMaps, NaNAndInfinityAreTreatedAsOnTheHost) {
  constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> values;
  for (const float a : {nan, inf, -inf, 0.f, -0.f, 1.f, -2.f, 1e30f, 1e-40f}) {
    for (int i = 0; i < 9; ++i) values.push_back(a);
  }
  const Tensor x = Tensor::from(values, {9, 9}), y = x.transpose(0, 1).contiguous();
  const Tensor dx = x.to("cuda"), dy = y.to("cuda");
  for (const UnaryOp op :
       {UnaryOp::relu, UnaryOp::clamp, UnaryOp::exp, UnaryOp::sqrt, UnaryOp::tanh, UnaryOp::power}) {
    SCOPED_TRACE(name_of(op));
    const Unary f{op, -1, 1};
    Tensor got = Tensor::empty_like(dx), want = Tensor::empty_like(x);
    kernel::unary(f, dx, got);
    kernel::unary(f, x, want);
    expect_same(got, want, 4);
  }
  for (const BinaryOp op : {BinaryOp::maximum, BinaryOp::minimum, BinaryOp::div}) {
    SCOPED_TRACE(name_of(op));
    Tensor got = Tensor::empty_like(dx), want = Tensor::empty_like(x);
    kernel::binary(op, dx, dy, got);
    kernel::binary(op, x, y, want);
    expect_same(got, want);
  }
  for (const DType integer : {DType::int64, DType::uint8}) expect_same(dx.to(integer), x.to(integer));
}

TEST_F(CudaMaps, CopiesBetweenAllDtypes) {
  constexpr DType all[] = {DType::float32,  DType::float64, DType::float16,
                           DType::bfloat16, DType::int64,   DType::uint8};
  const Shape shape{2, 3, 5, 7};
  for (const DType from : all) {
    const Twins x = twins(Lie::aligned, shape, from, 1), shifted = twins(Lie::every_second, shape, from, 2);
    for (const DType to : all) {
      SCOPED_TRACE(testing::Message() << from << " to " << to);
      expect_same(x.device.to(to), x.host.to(to));
      expect_same(shifted.device.to(to), shifted.host.to(to));
      Tensor filled = empty_as(Lie::offset_by_one, shape, to, "cuda");
      filled.fill_(3);
      expect_same(filled, Tensor::full(shape, 3, {to}));
    }
  }
}

TEST_F(CudaMaps, IntegersWrapAround) {
  const std::vector<std::int64_t> values{std::numeric_limits<std::int64_t>::max(), -3, 0, 5, 1LL << 40};
  const Tensor x = Tensor::from(values, {5}), d = x.to("cuda");
  for (const BinaryOp op :
       {BinaryOp::add, BinaryOp::sub, BinaryOp::mul, BinaryOp::maximum, BinaryOp::minimum}) {
    Tensor got = Tensor::empty_like(d), want = Tensor::empty_like(x);
    kernel::binary(op, d, d, got);
    kernel::binary(op, x, x, want);
    EXPECT_EQ(got.to_vector<std::int64_t>(), want.to_vector<std::int64_t>()) << name_of(op);
  }
  for (const Unary& f : {Unary{UnaryOp::affine, 3, 1}, Unary{UnaryOp::clamp, -1, 4.5}}) {
    Tensor got = Tensor::empty_like(d), want = Tensor::empty_like(x);
    kernel::unary(f, d, got);
    kernel::unary(f, x, want);
    EXPECT_EQ(got.to_vector<std::int64_t>(), want.to_vector<std::int64_t>()) << name_of(f.op);
  }
}

TEST_F(CudaMaps, InPlaceAndManyRows) {
  // More rows than a grid's y limit, each too short for a pack.
  const Twins x = twins(Lie::every_second, {70'001, 1, 1, 3}, DType::float32, 1);
  Tensor y = x.device, want = x.host;
  kernel::unary({UnaryOp::relu}, x.device, y);
  kernel::unary({UnaryOp::relu}, x.host, want);
  expect_same(y, want);
}

// ---- Random ----

TEST_F(CudaMaps, DropoutDropsTheSameElementsAsTheHost) {
  const PhiloxKey key{7, 3};
  for (const Shape& shape : shapes) {
    for (const Lie lie : lies) {
      for (const std::int64_t plane : {std::int64_t{1}, shape[2] * shape[3]}) {
        for (const DType dtype : {DType::float32, DType::float64}) {
          SCOPED_TRACE(testing::Message()
                       << shape << ", " << static_cast<int>(lie) << ", plane " << plane << ", " << dtype);
          const Twins x = twins(lie, shape, dtype, 1);
          Twins y{empty_as(Lie::aligned, shape, dtype, Device()), empty_as(lie, shape, dtype, "cuda")};
          kernel::dropout(x.host, 0.3, plane, key, y.host);
          kernel::dropout(x.device, 0.3, plane, key, y.device);
          expect_same(y.device, y.host);
          Twins z{empty_as(Lie::aligned, shape, dtype, Device()),
                  empty_as(Lie::offset_by_one, shape, dtype, "cuda")};
          kernel::dropout(x.device, 0.3, plane, key, z.device);
          expect_same(z.device, y.host);
        }
      }
    }
  }
}

TEST_F(CudaMaps, SixteenBitDropoutAndDraws) {
  const Shape shape{3, 4, 5, 7};
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    const Twins x = twins(Lie::offset_by_one, shape, dtype, 1);
    Tensor got = empty_as(Lie::offset_by_one, shape, dtype, "cuda"), want = Tensor::empty(shape);
    kernel::dropout(x.device, 0.5, 1, {1, 2}, got);
    kernel::dropout(x.host.to(DType::float32), 0.5, 1, {1, 2}, want);
    expect_same(got, want.to(dtype));
    for (const Distribution distribution : {Distribution::uniform, Distribution::normal}) {
      kernel::random(distribution, -1, 2, {1, 2}, got);
      kernel::random(distribution, -1, 2, {1, 2}, want);
      expect_same(got, want.to(dtype), 1);
    }
  }
}

TEST_F(CudaMaps, RandomTensorsDependOnTheIndexAlone) {
  for (const Shape& shape : shapes) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      for (const Distribution distribution : {Distribution::uniform, Distribution::normal}) {
        const bool is_uniform = distribution == Distribution::uniform;
        Tensor want = Tensor::empty(shape, {dtype});
        kernel::random(distribution, 2, 5, {11, 4}, want);
        for (const Lie lie : lies) {
          SCOPED_TRACE(testing::Message() << shape << ", " << static_cast<int>(lie) << ", " << dtype);
          Tensor got = empty_as(lie, shape, dtype, "cuda");
          kernel::random(distribution, 2, 5, {11, 4}, got);
          expect_same(got, want, is_uniform ? 0 : 16);
        }
      }
    }
  }
}

}  // namespace
}  // namespace metron::test
