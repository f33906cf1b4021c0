// Matrix products on the device cuda: what the table of op cases does not cover.
#include <metron/core/options.h>
#include <metron/core/slots.h>
#include <metron/tools/op_cases/cases.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "device_test.h"
#include "expect_error.h"
#include "op_case_runner.h"

namespace metron::test {
namespace {

naive::Array values_of(const Shape& shape, const char* seed) { return make_values(in(shape), seed); }

// The memory layout of y, an operand or a bias.
enum class Order { row_major, column_major, unaligned, strided };
constexpr Order orders[] = {Order::row_major, Order::column_major, Order::unaligned, Order::strided};

// Elements with the strides of a layout, inside a larger storage.
Tensor tensor_with(const naive::Array& values, DType dtype, Order order, Device device) {
  const int last = values.shape.size() - 1;
  switch (order) {
    case Order::row_major:
      return make_tensor(values, dtype, Layout::contiguous, device);
    case Order::column_major:
      return make_tensor(values, dtype, last > 0 ? Layout::transposed : Layout::offset, device);
    case Order::unaligned:
      return make_tensor(values, dtype, Layout::offset, device);
    case Order::strided:
      return make_tensor(values, dtype, Layout::strided, device);
  }
  return {};
}

struct Call {
  Shape a, b;
  Order a_order = Order::row_major, b_order = Order::row_major, y_order = Order::row_major,
        bias_order = Order::row_major;
  bool bias = false;
  Activation activation = Activation::none;
};

// The slot's result in a storage filled with NaN.
Tensor multiplied(const Call& c, DType dtype, Device device) {
  const Tensor a = tensor_with(values_of(c.a, "a"), dtype, c.a_order, device);
  const Tensor b = tensor_with(values_of(c.b, "b"), dtype, c.b_order, device);
  const std::int64_t n = c.b[c.b.size() - 1];
  Tensor bias;
  if (c.bias) bias = tensor_with(values_of({n}, "bias"), dtype, c.bias_order, device);
  Shape shape = c.a;
  shape[shape.size() - 1] = n;
  const naive::Array nans = naive::generate(shape, [](const naive::Index&) { return nan; });
  Tensor y = tensor_with(nans, dtype, c.y_order, device);
  kernel::matmul(a, b, bias, c.activation, y);
  return y;
}

// The number of non-NaN elements in a tensor's storage: y.numel() if the kernel wrote only y.
std::int64_t numbers_in_storage(const Tensor& y) {
  const auto size = static_cast<std::int64_t>(y.storage()->bytes() / size_of(y.dtype()));
  const naive::Array all = to_array(y.as_strided({size}, {1}, 0));
  return std::count_if(all.data.begin(), all.data.end(), [](double v) { return !std::isnan(v); });
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
                                    << static_cast<int>(c.a_order) << static_cast<int>(c.b_order)
                                    << static_cast<int>(c.y_order) << static_cast<int>(c.bias_order));
    const Tensor y = multiplied(c, dtype, device_);
    EXPECT_TRUE(close(to_array(y), expected(c), tolerance(dtype)));
    EXPECT_EQ(numbers_in_storage(y), y.numel()) << "it wrote outside y";
  }
};

constexpr DType dtypes[] = {DType::float32, DType::float64, DType::float16, DType::bfloat16};

TEST_F(CudaMatmul, EveryLayoutOfEveryOperand) {
  for (const Order a : orders) {
    for (const Order b : orders) {
      for (const Order y : orders)
        expect_right({{2, 36, 40}, {2, 40, 68}, a, b, y, y, true, Activation::relu});
    }
  }
}

TEST_F(CudaMatmul, EveryDType) {
  for (const DType dtype : dtypes) {
    for (const Order order : orders) {
      expect_right({{2, 72, 48}, {2, 48, 64}, order, order, order, order, true, Activation::none}, dtype);
      expect_right({{71, 37}, {37, 67}, order, order, order, order, true, Activation::relu}, dtype);
    }
  }
}

TEST_F(CudaMatmul, LargeTiles) {
  for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
    for (const Order a : {Order::row_major, Order::column_major}) {
      for (const Order b : {Order::row_major, Order::column_major}) {
        const Call c{{512, 40}, {40, 264}, a, b, a, b, true, Activation::relu};
        expect_right(c, dtype);
      }
    }
  }
}

TEST_F(CudaMatmul, SizesOnEitherSideOfATile) {
  for (const std::int64_t m : {1, 15, 17, 63, 65, 131})
    for (const std::int64_t n : {1, 15, 17, 64, 129}) {
      for (const std::int64_t k : {1, 7, 9, 33})
        expect_right({{m, k}, {k, n}, Order::row_major, Order::column_major});
    }
}

TEST_F(CudaMatmul, FewRowsOrColumns) {
  for (const DType dtype : dtypes) {
    for (const std::int64_t few : {1, 2, 4}) {
      for (const Order order : orders) {
        expect_right({{few, 520}, {520, 132}, Order::row_major, order, order, order, true, Activation::relu},
                     dtype);
        expect_right({{132, 264}, {264, few}, order, Order::row_major, order, order, true, Activation::none},
                     dtype);
      }
    }
  }
  expect_right({{5, 3, 67}, {5, 67, 31}, Order::row_major, Order::column_major, Order::column_major});
  expect_right({{5, 31, 67}, {5, 67, 2}, Order::column_major, Order::row_major, Order::strided});
}

TEST_F(CudaMatmul, LongKIsSplit) {
  for (const DType dtype : dtypes) {
    for (const Order order : orders) {
      expect_right({{64, 1100}, {1100, 40}, order, Order::row_major, order, order, true, Activation::relu},
                   dtype);
      expect_right({{10, 1024}, {1024, 12}, Order::column_major, order, order, order, true, Activation::none},
                   dtype);
      expect_right({{3, 9000}, {9000, 4}, Order::row_major, order, order, order, true, Activation::relu},
                   dtype);
    }
  }
  expect_right({{2, 33, 700}, {2, 700, 31}, Order::column_major, Order::row_major, Order::column_major});
}

TEST_F(CudaMatmul, AnEmptyKLeavesTheBias) {
  for (const DType dtype : dtypes) {
    expect_right({{5, 0}, {0, 7}}, dtype);
    for (const Order y : orders) {
      expect_right({{3, 5, 0}, {3, 0, 8}, Order::row_major, Order::row_major, y, y, true, Activation::relu},
                   dtype);
    }
  }
}

TEST_F(CudaMatmul, MoreMatricesThanTheGridLimit) { expect_right({{65537, 2, 1}, {65537, 1, 2}}); }

TEST_F(CudaMatmul, AMatrixSharedByABatch) {
  const naive::Array a = values_of({24, 36}, "a"), b = values_of({3, 36, 20}, "b");
  Tensor y = Tensor::empty({3, 24, 20}, {DType::float32, device_});
  kernel::matmul(make_tensor(a, DType::float32, Layout::contiguous, device_).expand({3, 24, 36}),
                 make_tensor(b, DType::float32, Layout::contiguous, device_), {}, Activation::none, y);
  EXPECT_TRUE(close(to_array(y), naive::matmul(a, b), 2e-6));
}

TEST_F(CudaMatmul, NanAndInfinityStayInTheirRows) {
  for (const Shape& shape : {Shape{70, 9}, Shape{3, 9}, Shape{70, 600}}) {
    naive::Array a = naive::generate(shape, [](const naive::Index&) { return 1.; });
    a(1, 3) = nan;
    a(2, 8) = infinity;
    const naive::Array b = naive::generate({shape[1], 66}, [](const naive::Index&) { return 1.; });
    Tensor y = Tensor::empty({shape[0], 66}, {DType::float32, device_});
    kernel::matmul(make_tensor(a, DType::float32, Layout::contiguous, device_),
                   make_tensor(b, DType::float32, Layout::contiguous, device_), {}, Activation::relu, y);
    EXPECT_TRUE(close(to_array(y), naive::matmul(a, b), 0));
  }
}

TEST_F(CudaMatmul, IsDeterministic) {
  for (const auto& [a, b] :
       {std::pair(Shape{64, 2048}, Shape{2048, 64}), std::pair(Shape{2, 4096}, Shape{4096, 9}),
        std::pair(Shape{150, 70}, Shape{70, 90})}) {
    std::vector<float> first;
    for (const std::uint64_t seed : {1, 2, 3}) {
#ifdef METRON_EMULATED
      emulator::Options options;
      options.seed = seed;
      emulator::set_options(options);
#endif
      const std::vector<float> values =
          multiplied({a, b, Order::row_major, Order::column_major}, DType::float32, device_)
              .to_vector<float>();
      if (first.empty()) first = values;
      EXPECT_EQ(values, first) << "order " << seed;
    }
  }
#ifdef METRON_EMULATED
  emulator::set_options({});
#endif
}

#ifdef METRON_EMULATED
// Global memory in the fewest sectors, shared memory without bank conflicts. For exceptions see the headers
// of matmul_tile.cuh and matmul_skinny.cuh.
TEST_F(CudaMatmul, AlignedOperandsUseTheFewestTransactions) {
  std::set<std::string> kernels;
  for (const DType dtype : {DType::float32, DType::float64, DType::float16}) {
    for (const Order a : {Order::row_major, Order::column_major}) {
      for (const Order b : {Order::row_major, Order::column_major}) {
        for (const auto& [m, n, k] :
             {std::array{512, 512, 32}, std::array{64, 192, 32}, std::array{16, 256, 32},
              std::array{64, 64, 512}, std::array{1, 256, 512}, std::array{4, 256, 128}}) {
          const Call product{{m, k}, {k, n}, a, b};
          for (const emulator::KernelCounters& c :
               counters_of([&] { (void)multiplied(product, dtype, device_); }, 8)) {
            if (c.kernel.find("product_kernel") == std::string::npos &&
                c.kernel.find("reduce_split_k_kernel") == std::string::npos)
              continue;
            SCOPED_TRACE(testing::Message() << c.kernel << " of " << m << ", " << n << ", " << k
                                            << ", layouts " << static_cast<int>(a) << static_cast<int>(b));
            kernels.insert(c.kernel.substr(0, c.kernel.find('<')));
            const bool dots = c.kernel.find("dot_product") != std::string::npos;
            // Dot products read K-major rows of a and store little.
            if (!dots || a == Order::row_major) {
              EXPECT_EQ(c.global.loads.transactions, c.global.loads.fewest);
            }
            if (!dots) {
              EXPECT_EQ(c.global.stores.transactions, c.global.stores.fewest);
            }
            EXPECT_EQ(c.shared.loads.transactions, c.shared.loads.fewest);
            EXPECT_EQ(c.shared.stores.transactions, c.shared.stores.fewest);
            if (c.kernel.find("tile_product") != std::string::npos) {
              EXPECT_EQ(c.global.loads.by_size[4], c.global.loads.accesses) << "not sixteen bytes per thread";
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(kernels.size(), 4u) << "tiles, dots, columns and the split-K reduction";
}
#endif

}  // namespace
}  // namespace metron::test
