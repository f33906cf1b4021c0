// Dropout and random tensors on the device cuda produce the host's numbers for every layout.
#include <metron/core/random.h>
#include <metron/core/slots.h>

#include "device_test.h"
#include "twins.h"

namespace metron::test {
namespace {

class CudaRandom : public DeviceTest {};

TEST_F(CudaRandom, DropoutDropsTheSameElementsAsTheHost) {
  const PhiloxKey key{7, 3};
  for (const Shape& shape : shapes) {
    for (const Placement placement : all_placements) {
      for (const std::int64_t plane : {std::int64_t{1}, shape[2] * shape[3]}) {
        for (const DType dtype : {DType::float32, DType::float64}) {
          SCOPED_TRACE(testing::Message() << shape << ", " << static_cast<int>(placement) << ", plane "
                                          << plane << ", " << dtype);
          const Twins x = twins(placement, shape, dtype, 1);
          Twins y{empty_as(Placement::aligned, shape, dtype, Device()),
                  empty_as(placement, shape, dtype, "cuda")};
          kernel::dropout(x.host, 0.3, plane, key, y.host);
          kernel::dropout(x.device, 0.3, plane, key, y.device);
          expect_same(y.device, y.host);
          Twins z{empty_as(Placement::aligned, shape, dtype, Device()),
                  empty_as(Placement::offset_by_one, shape, dtype, "cuda")};
          kernel::dropout(x.device, 0.3, plane, key, z.device);
          expect_same(z.device, y.host);
        }
      }
    }
  }
}

TEST_F(CudaRandom, SixteenBitDropoutAndDraws) {
  const Shape shape{3, 4, 5, 7};
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    const Twins x = twins(Placement::offset_by_one, shape, dtype, 1);
    Tensor got = empty_as(Placement::offset_by_one, shape, dtype, "cuda"), want = Tensor::empty(shape);
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

TEST_F(CudaRandom, RandomTensorsDependOnTheIndexAlone) {
  for (const Shape& shape : shapes) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      for (const Distribution distribution : {Distribution::uniform, Distribution::normal}) {
        const bool is_uniform = distribution == Distribution::uniform;
        Tensor want = Tensor::empty(shape, {dtype});
        kernel::random(distribution, 2, 5, {11, 4}, want);
        for (const Placement placement : all_placements) {
          SCOPED_TRACE(testing::Message() << shape << ", " << static_cast<int>(placement) << ", " << dtype);
          Tensor got = empty_as(placement, shape, dtype, "cuda");
          kernel::random(distribution, 2, 5, {11, 4}, got);
          expect_same(got, want, is_uniform ? 0 : 16);
        }
      }
    }
  }
}

}  // namespace
}  // namespace metron::test
