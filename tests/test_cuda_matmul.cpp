// Matrix products on the device cuda: what the table of cases does not show.
#include <metron/core/options.h>
#include <metron/kernels/cuda/matmul_plan.h>
#include <metron/kernels/kernels.h>

#include <cmath>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "cases.h"
#include "device_test.h"
#include "walk.h"

namespace metron::test {
namespace {

using cuda::ProductSize;

naive::Array values_of(const Shape& shape, const char* seed) { return make_values(in(shape), seed); }

// How y, an operand or a bias lies in memory.
enum class Lay { rows, columns, unaligned, strided };
constexpr Lay lays[] = {Lay::rows, Lay::columns, Lay::unaligned, Lay::strided};

// Elements with the strides of a layout, all of them within a larger storage.
Tensor laid(const naive::Array& values, DType dtype, Lay lay, Device device) {
  const int last = values.shape.size() - 1;
  switch (lay) {
    case Lay::rows:
      return make_tensor(values, dtype, Layout::contiguous, device);
    case Lay::columns:
      return make_tensor(values, dtype, last > 0 ? Layout::transposed : Layout::offset, device);
    case Lay::unaligned:
      return make_tensor(values, dtype, Layout::offset, device);
    case Lay::strided:
      return make_tensor(values, dtype, Layout::strided, device);
  }
  return {};
}

struct Call {
  Shape a, b;
  Lay a_lay = Lay::rows, b_lay = Lay::rows, y_lay = Lay::rows, bias_lay = Lay::rows;
  bool bias = false;
  Activation activation = Activation::none;
};

// The slot's result; y starts out as NaN in a storage of the layout.
Tensor multiplied(const Call& c, DType dtype, Device device) {
  const Tensor a = laid(values_of(c.a, "a"), dtype, c.a_lay, device);
  const Tensor b = laid(values_of(c.b, "b"), dtype, c.b_lay, device);
  const std::int64_t n = c.b[c.b.size() - 1];
  Tensor bias;
  if (c.bias) bias = laid(values_of({n}, "bias"), dtype, c.bias_lay, device);
  Shape shape = c.a;
  shape[shape.size() - 1] = n;
  Tensor y = laid(naive::Array(shape), dtype, c.y_lay, device);
  kernel::matmul(a, b, bias, c.activation, y);
  return y;
}

naive::Array expected(const Call& c) {
  naive::Array y = naive::matmul(values_of(c.a, "a"), values_of(c.b, "b"));
  if (c.bias)
    y = naive::zip(y, values_of({c.b[c.b.size() - 1]}, "bias"), [](double p, double q) { return p + q; });
  if (c.activation == Activation::relu) y = naive::map(y, [](double v) { return v > 0 ? v : 0; });
  return y;
}

double tolerance(DType dtype) {
  switch (dtype) {
    case DType::float64:
      return 1e-14;
    case DType::float16:
      return 0x1p-10;
    case DType::bfloat16:
      return 0x1p-7;
    default:
      return 2e-6;
  }
}

class CudaMatmul : public DeviceTest {
 protected:
  const Device device_{Device::Type::cuda};

  void expect_right(const Call& c, DType dtype = DType::float32) {
    SCOPED_TRACE(testing::Message() << c.a << " @ " << c.b << ", " << dtype << ", layouts "
                                    << static_cast<int>(c.a_lay) << static_cast<int>(c.b_lay)
                                    << static_cast<int>(c.y_lay) << static_cast<int>(c.bias_lay));
    EXPECT_TRUE(close(to_array(multiplied(c, dtype, device_)), expected(c), tolerance(dtype)));
  }
};

constexpr DType dtypes[] = {DType::float32, DType::float64, DType::float16, DType::bfloat16};

TEST_F(CudaMatmul, EveryLayoutOfEveryOperand) {
  for (const Lay a : lays) {
    for (const Lay b : lays) {
      for (const Lay y : lays) expect_right({{2, 36, 40}, {2, 40, 68}, a, b, y, y, true, Activation::relu});
    }
  }
}

TEST_F(CudaMatmul, EveryDType) {
  for (const DType dtype : dtypes) {
    for (const Lay lay : lays) {
      expect_right({{2, 72, 48}, {2, 48, 64}, lay, lay, lay, lay, true, Activation::none}, dtype);
      expect_right({{71, 37}, {37, 67}, lay, lay, lay, lay, true, Activation::relu}, dtype);
    }
  }
}

TEST_F(CudaMatmul, SizesOnEitherSideOfATile) {
  for (const std::int64_t m : {1, 15, 17, 63, 65, 131})
    for (const std::int64_t n : {1, 15, 17, 64, 129}) {
      for (const std::int64_t k : {1, 7, 9, 33}) expect_right({{m, k}, {k, n}, Lay::rows, Lay::columns});
    }
}

TEST_F(CudaMatmul, NoTermsLeaveTheBias) {
  for (const DType dtype : dtypes) {
    expect_right({{5, 0}, {0, 7}}, dtype);
    for (const Lay y : lays) {
      expect_right({{3, 5, 0}, {3, 0, 8}, Lay::rows, Lay::rows, y, y, true, Activation::relu}, dtype);
    }
  }
}

TEST_F(CudaMatmul, MoreMatricesThanAGridIsHigh) { expect_right({{65537, 2, 1}, {65537, 1, 2}}); }

}  // namespace
}  // namespace metron::test
