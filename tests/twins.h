// Pairs of tensors on the host and on the device with the same values and placement.
#pragma once

#include <metron/core/ops.h>

#include <random>
#include <vector>

#include "op_case_runner.h"

namespace metron::test {

// The placement of a test tensor's elements in its storage.
enum class Placement { aligned, offset_by_one, transposed, strided, channels_last };
inline constexpr Placement all_placements[] = {Placement::aligned, Placement::offset_by_one,
                                               Placement::transposed, Placement::strided,
                                               Placement::channels_last};

// (a, b, c, d), uninitialized.
inline Tensor empty_as(Placement placement, const Shape& shape, DType dtype, Device device) {
  const TensorOptions options{dtype, device, MemoryFormat::contiguous};
  const std::int64_t a = shape[0], b = shape[1], c = shape[2], d = shape[3];
  switch (placement) {
    case Placement::aligned:
      return Tensor::empty(shape, options);
    case Placement::offset_by_one:
      return Tensor::empty({shape.numel() + 1}, options).slice(0, 1, shape.numel() + 1).reshape(shape);
    case Placement::transposed:
      return Tensor::empty({d, b, c, a}, options).transpose(0, 3);
    case Placement::strided:
      return Tensor::empty({a, b, c, 2 * d}, options).slice(3, 0, 2 * d, 2);
    case Placement::channels_last:
      return Tensor::empty(shape, {dtype, device, MemoryFormat::channels_last});
  }
  return {};
}

// The same values and placement on both devices.
struct Twins {
  Tensor host, device;
};
inline Twins twins(Placement placement, const Shape& shape, DType dtype, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_int_distribution<int> steps(-64, 64);
  std::vector<float> values(static_cast<std::size_t>(shape.numel()));
  for (float& value : values) value = static_cast<float>(steps(engine)) / 32;
  const Tensor source = Tensor::from(values, shape).to(dtype);
  Twins result{empty_as(placement, shape, dtype, Device()), empty_as(placement, shape, dtype, "cuda")};
  result.host.copy_(source);
  result.device.copy_(source);
  return result;
}

// Bitwise, or within a few units in the last place of the dtype.
inline void expect_same(const Tensor& got, const Tensor& want, double units = 0) {
  const double unit = want.dtype() == DType::float64    ? 0x1p-52
                      : want.dtype() == DType::float16  ? 0x1p-10
                      : want.dtype() == DType::bfloat16 ? 0x1p-7
                                                        : 0x1p-23;
  EXPECT_TRUE(close(to_array(got), to_array(want), units * unit));
}

inline const Shape shapes[] = {{1, 1, 1, 1}, {2, 3, 5, 7},    {3, 4, 4, 8},
                               {1, 0, 2, 2}, {1, 1, 1, 1031}, {5, 16, 3, 4}};

}  // namespace metron::test
