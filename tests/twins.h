// Pairs of tensors on the host and on the device: the same values in the same place.
#pragma once

#include <metron/core/ops.h>

#include <random>
#include <vector>

#include "walk.h"

namespace metron::test {

// How the elements of a test tensor lie in their storage.
enum class Lie { aligned, offset_by_one, transposed, every_second, channels_last };
inline constexpr Lie lies[] = {Lie::aligned, Lie::offset_by_one, Lie::transposed, Lie::every_second,
                               Lie::channels_last};

// (a, b, c, d), not initialised.
inline Tensor empty_as(Lie lie, const Shape& shape, DType dtype, Device device) {
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
inline Twins twins(Lie lie, const Shape& shape, DType dtype, unsigned seed) {
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
