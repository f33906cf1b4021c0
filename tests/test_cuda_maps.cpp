// Element-wise kernels on the device cuda: layouts, alignments, dtypes and sizes that the table of op cases
// does not cover.
#include <metron/core/ops.h>
#include <metron/core/slots.h>

#include <limits>
#include <vector>

#include "device_test.h"
#include "twins.h"

namespace metron::test {
namespace {

constexpr DType floating[] = {DType::float32, DType::float64, DType::float16, DType::bfloat16};

class CudaMaps : public DeviceTest {};

TEST_F(CudaMaps, EveryLayoutOfOutputAndInputAgreesWithThePortableProvider) {
  for (const Shape& shape : shapes) {
    for (const Placement of_x : all_placements) {
      for (const Placement of_y : all_placements) {
        const Twins x = twins(of_x, shape, DType::float32, 1),
                    g = twins(Placement::aligned, shape, DType::float32, 2);
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

TEST_F(CudaMaps, ScalarsAndRowsBroadcast) {
  for (const Shape& shape : shapes) {
    const Shape row{1, 1, 1, shape[3]}, channel{1, shape[1], 1, 1}, one{1, 1, 1, 1};
    const Twins x = twins(Placement::aligned, shape, DType::float32, 1);
    for (const Shape& small : {row, channel, one}) {
      const Twins b = twins(Placement::offset_by_one, small, DType::float32, 2);
      SCOPED_TRACE(testing::Message() << shape << " and " << small);
      expect_same(add(x.device, b.device), add(x.host, b.host));
      expect_same(sub(b.device, x.device), sub(b.host, x.host));
      expect_same(lt(b.device, x.device), lt(b.host, x.host));
      Tensor expanded = Tensor::empty(shape, {DType::float32, "cuda"});
      kernel::copy(b.device.expand(shape), expanded);
      expect_same(expanded, b.host.expand(shape).contiguous());
    }
  }
}

TEST_F(CudaMaps, EveryFormulaInEveryFloatingType) {
  const Shape shape{2, 3, 5, 7};
  for (const Placement placement : {Placement::offset_by_one, Placement::strided}) {
    for (const DType dtype : floating) {
      // 16-bit results equal rounded float32 results.
      const bool half = dtype == DType::float16 || dtype == DType::bfloat16;
      const auto rounded = [&](const Tensor& t) { return half ? t.to(dtype) : t; };
      const auto wide = [&](const Tensor& t) { return half ? t.to(DType::float32) : t; };
      const Twins a = twins(placement, shape, dtype, 1), b = twins(placement, shape, dtype, 2);
      const Tensor x = wide(a.host.contiguous()), g = wide(b.host.contiguous());
      Tensor got = empty_as(placement, shape, dtype, "cuda"), want = Tensor::empty_like(x);
      std::vector<Unary> formulas{{UnaryOp::affine, 3, -1},
                                  {UnaryOp::power, 2},
                                  {UnaryOp::power, -1},
                                  {UnaryOp::power, 3},
                                  {UnaryOp::power, 0}};
      for (const UnaryOp each : unary_ops) formulas.push_back({each, -0.5, 1});
      for (const Unary& f : formulas) {
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

TEST_F(CudaMaps, NanAndInfinityMatchTheHost) {
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
    const Twins x = twins(Placement::aligned, shape, from, 1),
                shifted = twins(Placement::strided, shape, from, 2);
    for (const DType to : all) {
      SCOPED_TRACE(testing::Message() << from << " to " << to);
      expect_same(x.device.to(to), x.host.to(to));
      expect_same(shifted.device.to(to), shifted.host.to(to));
      Tensor filled = empty_as(Placement::offset_by_one, shape, to, "cuda");
      filled.fill_(3);
      expect_same(filled, Tensor::full(shape, 3, {to}));
    }
  }
}

TEST_F(CudaMaps, TransposedCopiesOfAllElementSizes) {
  for (const DType dtype : {DType::uint8, DType::bfloat16, DType::float32, DType::float64}) {
    for (const Shape& shape :
         {Shape{1, 1, 64, 96}, Shape{3, 16, 5, 7}, Shape{2, 33, 1, 100}, Shape{1, 17, 16, 1}}) {
      SCOPED_TRACE(testing::Message() << shape << ", " << dtype);
      const Twins x = twins(Placement::offset_by_one, shape, dtype, 1);
      expect_same(x.device.to(MemoryFormat::channels_last), x.host);
      expect_same(x.device.transpose(2, 3).contiguous(), x.host.transpose(2, 3));
      expect_same(x.device.transpose(1, 3).contiguous(), x.host.transpose(1, 3));
      Tensor y = empty_as(Placement::transposed, shape, dtype, "cuda");
      kernel::copy(x.device, y);
      expect_same(y, x.host);
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
  // More rows than gridDim.y allows, each too short for a pack.
  const Twins x = twins(Placement::strided, {70'001, 1, 1, 3}, DType::float32, 1);
  Tensor y = x.device, want = x.host;
  kernel::unary({UnaryOp::relu}, x.device, y);
  kernel::unary({UnaryOp::relu}, x.host, want);
  expect_same(y, want);
}

}  // namespace
}  // namespace metron::test
