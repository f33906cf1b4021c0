// Embedding lookup on the device cuda, against the portable provider.
#include <metron/core/error.h>
#include <metron/core/ops.h>
#include <metron/core/slots.h>

#include <random>
#include <vector>

#include "device_test.h"
#include "expect_error.h"
#include "twins.h"

namespace metron::test {
namespace {

class CudaEmbedding : public DeviceTest {};

Tensor some_indices(std::int64_t count, std::int64_t rows) {
  std::mt19937_64 engine(3);
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  for (std::int64_t& value : values)
    value = static_cast<std::int64_t>(engine() % static_cast<std::uint64_t>(rows));
  return Tensor::from(values, {count});
}

TEST_F(CudaEmbedding, RowsAndGradientsMatchTheHost) {
  struct Sizes {
    std::int64_t rows, columns, count;
  };
  for (const Sizes& s : {Sizes{1, 1, 1}, Sizes{33, 7, 500}, Sizes{5, 129, 300}, Sizes{100, 64, 0},
                         Sizes{67, 12, 129}, Sizes{7, 0, 5}, Sizes{2, 300, 40}, Sizes{70'001, 2, 1000}}) {
    const Tensor indices = some_indices(s.count, s.rows), on_device = indices.to("cuda");
    for (const DType dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16}) {
      if (s.rows > 1000 && dtype != DType::float32) continue;
      for (const Placement placement : {Placement::aligned, Placement::offset_by_one}) {
        SCOPED_TRACE(testing::Message()
                     << s.rows << " by " << s.columns << ", " << s.count << " indices, " << dtype);
        const bool half = dtype == DType::float16 || dtype == DType::bfloat16;
        const auto flat = [](const Twins& t, const Shape& shape) {
          return Twins{t.host.reshape(shape), t.device.reshape(shape)};
        };
        const Twins w = flat(twins(placement, {1, 1, s.rows, s.columns}, dtype, 1), {s.rows, s.columns});
        const Twins g = flat(twins(placement, {1, 1, s.count, s.columns}, dtype, 2), {s.count, s.columns});
        Tensor y = Tensor::empty({s.count, s.columns}, {dtype}),
               dy = Tensor::empty({s.count, s.columns}, {dtype, "cuda"});
        kernel::embedding(w.host, indices, y);
        kernel::embedding(w.device, on_device, dy);
        expect_same(dy, y);
        const DType wide = half ? DType::float32 : dtype;
        Tensor gw = Tensor::empty({s.rows, s.columns}, {wide});
        Tensor dgw = Tensor::empty({s.rows, s.columns}, {dtype, "cuda"});
        kernel::embedding_backward(half ? g.host.to(wide) : g.host, indices, gw);
        kernel::embedding_backward(g.device, on_device, dgw);
        expect_same(dgw, half ? gw.to(dtype) : gw);  // both accumulate in index order: bitwise equal
      }
    }
  }
}

TEST_F(CudaEmbedding, ReportsOutOfRangeIndices) {
  const Device device("cuda");
  const TensorOptions options{DType::float32, device};
  for (const std::int64_t bad : {std::int64_t{-1}, std::int64_t{4}, std::int64_t{1} << 40}) {
    const Tensor indices = Tensor::from(std::vector<std::int64_t>{0, 3, bad, 1}, {4}, device);
    expect_error<ValueError>(
        [&] {
          Tensor y = Tensor::empty({4, 3}, options);
          kernel::embedding(Tensor::ones({4, 3}, options), indices, y);
          (void)y.to_vector<float>();
        },
        {std::to_string(bad), "4"});
    expect_error<ValueError>(
        [&] {
          Tensor gw = Tensor::empty({4, 3}, options);
          kernel::embedding_backward(Tensor::ones({4, 3}, options), indices, gw);
          (void)gw.to_vector<float>();
        },
        {std::to_string(bad), "4"});
    expect_error<ValueError>(
        [&] {
          const Tensor codes = Tensor::ones({4, 3}, {DType::uint8, device}),
                       table = Tensor::ones({256}, options);
          (void)decode_rows(codes, table, indices).to_vector<float>();
        },
        {"[decode_rows]", "an index", std::to_string(bad), "4"});
  }
}

TEST_F(CudaEmbedding, DecodedRowsMatchTheHostBitForBit) {
  const Device device("cuda");
  for (const std::int64_t columns : {1, 31, 784, 1000}) {
    std::vector<std::uint8_t> bytes;
    for (std::int64_t i = 0; i < 67 * columns; ++i) bytes.push_back(static_cast<std::uint8_t>(i * 41 >> 3));
    const Tensor codes = Tensor::from(bytes, {67, columns}), indices = some_indices(129, 67);
    for (const DType dtype : {DType::float32, DType::float64}) {
      const Tensor table = rand_normal({256}).to(dtype);
      const Tensor y = decode_rows(codes, table, indices);
      const Tensor dy = decode_rows(codes.to(device), table.to(device), indices.to(device));
      EXPECT_EQ(y.shape(), (Shape{129, columns}));
      expect_same(dy, y);
    }
  }
}

}  // namespace
}  // namespace metron::test
