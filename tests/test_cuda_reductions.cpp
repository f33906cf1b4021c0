// Reductions, softmax and losses on the device cuda: what the table of op cases does not cover.
#include <metron/core/autograd.h>
#include <metron/core/ops.h>
#include <metron/core/slots.h>
#include <metron/kernels/cuda/reduce/tiling.h>

#include <cmath>
#include <limits>
#include <metron/kernels/cuda/reduce/wide_index.cuh>
#include <string>
#include <vector>

#include "device_test.h"
#include "expect_error.h"
#include "op_case_runner.h"

namespace metron::test {
namespace {

const Device device("cuda");
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

class CudaReductions : public DeviceTest {};

Tensor tensor(const Shape& shape, DType dtype, Layout layout = Layout::contiguous) {
  return make_tensor(make_values(in(shape), "reductions"), dtype, layout, device);
}

naive::Array on_cpu(const Tensor& x, DType dtype, const std::function<Tensor(const Tensor&)>& op) {
  return to_array(op(x.to("cpu").to(dtype)));
}

// The smallest and largest sizes of each partitioning, over every axis of each layout.
TEST_F(CudaReductions, SumsOfAllSizesMatchTheCpu) {
  for (const std::int64_t size : {1, 2, 3, 4, 5, 31, 32, 33, 127, 128, 129, 1023, 1024, 1025, 4099}) {
    for (const Layout layout : {Layout::contiguous, Layout::offset, Layout::transposed, Layout::strided}) {
      SCOPED_TRACE(testing::Message() << size << ", layout " << static_cast<int>(layout));
      const Tensor x = tensor({3, size}, DType::float32, layout);
      for (const Axes& axes : {Axes{0}, Axes{1}, Axes{}}) {
        const auto total = [&](const Tensor& t) { return sum(t, axes); };
        EXPECT_TRUE(close(to_array(total(x)), on_cpu(x, DType::float64, total), 3e-7)) << axes;
        const auto largest = [&](const Tensor& t) { return argmax(t, axes); };
        EXPECT_TRUE(close(to_array(largest(x)), on_cpu(x, DType::float64, largest), 0)) << axes;
      }
    }
  }
}

TEST_F(CudaReductions, InnerAndOuterAxesTogether) {
  const Tensor x = tensor({5, 7, 12, 8}, DType::float32);
  for (const Axes& axes : {Axes{0, 2}, Axes{1, 3}, Axes{0, 2, 3}, Axes{1, 2}, Axes{0, 3}}) {
    for (const Tensor& view :
         {x, x.permute({1, 3, 0, 2}), x.slice(3, 1, 7, 2), x.select(1, 3).expand({4, 5, 12, 8})}) {
      const auto total = [&](const Tensor& t) { return sum(t, axes); };
      EXPECT_TRUE(close(to_array(total(view)), on_cpu(view, DType::float64, total), 3e-7)) << axes;
    }
  }
}

// The error of a sequential sum grows with its length: here it would reach 1 + n * 2^-24.
TEST_F(CudaReductions, ErrorDoesNotGrowWithLength) {
  constexpr std::int64_t size = 300'007;
  std::vector<float> values(size);
  double want = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = 1 + static_cast<float>(i % 3) * 0.1f;
    want += static_cast<double>(values[i]);
  }
  const Tensor line = Tensor::from(values, {size}, device);
  EXPECT_NEAR(sum(line).to("cpu").item<float>() / want, 1, 1.2e-7);
  EXPECT_NEAR(mean(line).to("cpu").item<float>() / (want / size), 1, 1.2e-7);
  const Tensor columns = line.reshape({size, 1}).expand({size, 2});
  for (const float got : sum(columns, {0}).to_vector<float>()) EXPECT_NEAR(got / want, 1, 1.2e-7);
}

TEST_F(CudaReductions, HalvesAccumulateInFloat) {
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    for (const Shape& shape : {Shape{3, 37}, Shape{2, 40'000}, Shape{1'100, 5}}) {
      SCOPED_TRACE(testing::Message() << dtype << ' ' << shape);
      const Tensor x = tensor(shape, dtype);
      // The float32 result, rounded once.
      const double unit = dtype == DType::float16 ? 0x1p-11 : 0x1p-8;
      const std::function<Tensor(const Tensor&)> ops[] = {
          [](const Tensor& t) { return sum(t, {1}); }, [](const Tensor& t) { return mean(t, {0}); },
          [](const Tensor& t) { return max(t, {0}); }, [](const Tensor& t) { return softmax(t, 1); },
          [](const Tensor& t) { return log_softmax(t, 0); }};
      for (const auto& op : ops)
        EXPECT_TRUE(close(to_array(op(x)), on_cpu(x, DType::float32, op), unit * 1.01));
      const auto largest = [](const Tensor& t) { return argmax(t, {1}); };
      EXPECT_TRUE(close(to_array(largest(x)), on_cpu(x, DType::float32, largest), 0));
    }
  }
}

TEST_F(CudaReductions, IntegersWrapAroundAndAreExact) {
  const std::vector<std::int64_t> values{
      (std::int64_t{1} << 62) + 1, std::int64_t{1} << 62, 5, -9, std::numeric_limits<std::int64_t>::min(), 3};
  const Tensor x = Tensor::from(values, {2, 3}, device);
  for (const Axes& axes : {Axes{0}, Axes{1}, Axes{}}) {
    EXPECT_EQ(sum(x, axes).to_vector<std::int64_t>(), sum(x.to("cpu"), axes).to_vector<std::int64_t>());
    EXPECT_EQ(max(x, axes).to_vector<std::int64_t>(), max(x.to("cpu"), axes).to_vector<std::int64_t>());
  }
}

TEST_F(CudaReductions, NanIsTheMaximumAndTheFirstOfEqualsWins) {
  for (const std::int64_t size : {7, 1500, 40'000}) {
    std::vector<double> values(static_cast<std::size_t>(size), 0.5);
    values[static_cast<std::size_t>(size / 2)] = values.back() = 3;
    const auto argmax_of = [&] { return argmax(Tensor::from(values, {size}, device)).item<std::int64_t>(); };
    EXPECT_EQ(argmax_of(), size / 2);
    values[static_cast<std::size_t>(size / 2 + 1)] = values[static_cast<std::size_t>(size - 2)] = nan;
    EXPECT_EQ(argmax_of(), size / 2 + 1);
    EXPECT_TRUE(std::isnan(max(Tensor::from(values, {size}, device)).item<double>()));
    const std::vector<double> lowest(static_cast<std::size_t>(size), -infinity);
    EXPECT_EQ(argmax(Tensor::from(lowest, {size}, device)).item<std::int64_t>(), 0);
    EXPECT_EQ(max(Tensor::from(lowest, {size}, device)).item<double>(), -infinity);
  }
}

TEST_F(CudaReductions, ResultsAreDeterministic) {
  const Tensor x = tensor({70'001}, DType::float32);
  const Tensor y = tensor({2'003, 11}, DType::float32);
  const float first = sum(x).item<float>();
  const std::vector<float> columns = sum(y, {0}).to_vector<float>();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(sum(x).item<float>(), first);
    EXPECT_EQ(sum(y, {0}).to_vector<float>(), columns);
  }
}

// Rows for every partitioning, in each layout, forward and backward.
TEST_F(CudaReductions, SoftmaxOfAllSizes) {
  for (const std::int64_t size : {1, 2, 5, 10, 32, 33, 128, 1000, 1024, 1028, 2051}) {
    for (const Layout layout : {Layout::contiguous, Layout::offset, Layout::transposed, Layout::strided}) {
      for (const bool log : {false, true}) {
        SCOPED_TRACE(testing::Message()
                     << size << ", layout " << static_cast<int>(layout) << ", log " << log);
        const auto gradient = [&](const Tensor& t) {
          Tensor x = t.detach();
          x.set_requires_grad();
          const Tensor y = log ? log_softmax(x, 1) : softmax(x, 1);
          y.backward(
              Tensor::from(make_values(in(y.shape()), "g").data, y.shape()).to(y.dtype()).to(y.device()));
          const Tensor both[] = {y.detach(), x.grad()};
          return cat(both, 0);
        };
        const Tensor x = tensor({3, size}, DType::float32, layout);
        EXPECT_TRUE(close(to_array(gradient(x)), on_cpu(x, DType::float64, gradient), 1e-6));
      }
    }
  }
}

TEST_F(CudaReductions, SoftmaxOfInfinitiesMatchesTheCpu) {
  for (const std::size_t size : {5, 50, 500, 1500}) {
    for (const std::vector<double>& ends : {std::vector<double>{-infinity, 1},
                                            {1, -infinity},
                                            {infinity, 1},
                                            {nan, 1},
                                            {-infinity, -infinity}}) {
      std::vector<double> values(size, ends[0]);
      values.back() = ends[1];
      for (const DType dtype : {DType::float64, DType::float32}) {
        const Tensor x = Tensor::from(values, {static_cast<std::int64_t>(size)}, device).to(dtype);
        for (const bool log : {false, true}) {
          const auto op = [&](const Tensor& t) { return log ? log_softmax(t, 0) : softmax(t, 0); };
          const double tolerance = dtype == DType::float64 ? 1e-14 : 1e-6;
          EXPECT_TRUE(close(to_array(op(x)), on_cpu(x, DType::float64, op), tolerance))
              << ends[0] << ' ' << ends[1] << ' ' << dtype;
        }
      }
    }
  }
}

// One warp per row: every number of elements per lane, and a last block that is not full.
TEST_F(CudaReductions, DenseRowsOfFloats) {
  for (const std::int64_t size : {63, 64, 65, 300, 1023, 1024, 1025}) {
    for (const std::int64_t rows : {1, 19}) {
      for (const Layout layout : {Layout::contiguous, Layout::offset}) {
        SCOPED_TRACE(testing::Message() << rows << ", " << size << ", layout " << static_cast<int>(layout));
        const Tensor x = tensor({rows, size}, DType::float32, layout);
        const std::function<Tensor(const Tensor&)> ops[] = {[](const Tensor& t) { return sum(t, {1}); },
                                                            [](const Tensor& t) { return mean(t, {1}); },
                                                            [](const Tensor& t) { return max(t, {1}); }};
        for (const auto& op : ops) EXPECT_TRUE(close(to_array(op(x)), on_cpu(x, DType::float64, op), 1e-6));
      }
    }
    std::vector<float> values(static_cast<std::size_t>(2 * size), -1);
    values[static_cast<std::size_t>(size / 2)] = std::numeric_limits<float>::quiet_NaN();
    const Tensor largest = max(Tensor::from(values, {2, size}, device), {1}).to("cpu");
    EXPECT_TRUE(std::isnan(largest.to_vector<float>()[0]));
    EXPECT_EQ(largest.to_vector<float>()[1], -1);
  }
}

TEST_F(CudaReductions, MoreRowsThanTheGridLimit) {
  const Tensor x = tensor({70'000, 3}, DType::float32);
  const auto row_sums = [](const Tensor& t) { return sum(t, {1}); };
  EXPECT_TRUE(close(to_array(row_sums(x)), on_cpu(x, DType::float64, row_sums), 3e-7));
  const auto soft = [](const Tensor& t) { return softmax(t, 1); };
  EXPECT_TRUE(close(to_array(soft(x)), on_cpu(x, DType::float64, soft), 1e-6));
}

TEST(CudaIndices, QuotientsAreExactUpToTheMaximum) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  std::vector<std::int64_t> numbers{1, 2, 3, 5, 7, 641, 1'000'003, most};
  for (int bit = 1; bit < 62; ++bit)
    for (const int step : {-1, 0, 1}) numbers.push_back((std::int64_t{1} << bit) + step);
  for (const std::int64_t d : numbers) {
    if (d < 1 || d > std::int64_t{1} << 62) continue;
    const cuda::WideDivisor divisor(d);
    const std::int64_t largest_multiple = most / d * d;
    for (const std::int64_t n : {std::int64_t{0}, d - 1, d, largest_multiple - 1, largest_multiple, most})
      ASSERT_EQ(divisor.quotient(n), n / d) << n << " / " << d;
    for (const std::int64_t n : numbers) ASSERT_EQ(divisor.quotient(n), n / d) << n << " / " << d;
  }
}

TEST(CudaIndices, OffsetsBeyond32Bits) {
  constexpr std::int64_t wide = (std::int64_t{1} << 33) + 1;
  LoopNest nest;
  nest.rank = 3;
  nest.numel = 7 * wide * 11;
  nest.sizes = {7, wide, 11};
  nest.strides[0] = {wide * 11, 1};
  nest.strides[1] = {11, 0};
  nest.strides[2] = {1, 5};
  const cuda::WideIndex<2> index(nest);
  for (const std::int64_t position :
       {std::int64_t{0}, std::int64_t{6}, 7 * wide - 1, nest.numel / 2, nest.numel - 1}) {
    std::int64_t got[2];
    index.offsets(position, got);
    const std::int64_t i = position % 7, j = position / 7 % wide, k = position / 7 / wide;
    EXPECT_EQ(got[0], i * wide * 11 + j * 11 + k);
    EXPECT_EQ(got[1], i + k * 5);
  }
}

TEST(CudaIndices, TilesCoverRangesOfAnyLength) {
  for (const std::int64_t results : {std::int64_t{1}, std::int64_t{5}, std::int64_t{1} << 20}) {
    for (const std::int64_t length :
         {std::int64_t{0}, std::int64_t{1}, std::int64_t{3000}, std::int64_t{3} << 31}) {
      for (const bool inner : {true, false}) {
        const LoopNest kept = cuda::line_nest(results, {inner ? length : 1});
        const LoopNest range = cuda::line_nest(length, {inner ? 1 : results});
        const void* const data[] = {nullptr};
        const cuda::Tiling t = cuda::make_tiling(kept, range, data, 4, 4);
        EXPECT_EQ(t.columns * t.slices, cuda::tile_threads);
        EXPECT_GE(t.tiles * t.columns, results);
        EXPECT_GE(t.chunks * t.chunk, length);
        EXPECT_LT((t.chunks - 1) * t.chunk, std::max<std::int64_t>(length, 1));
        EXPECT_EQ(t.chunk % (t.slices * 4), 0);
        EXPECT_LE(t.chunk / t.slices, 64);
        const bool fits_memory = results * length < std::int64_t{1} << 38;
        EXPECT_TRUE(!fits_memory || t.tiles * t.chunks < std::int64_t{1} << 31);
      }
    }
  }
}

TEST_F(CudaReductions, ABadTargetThrowsAtTheNextSynchronization) {
  const Tensor x = tensor({4, 5}, DType::float32);
  for (const std::int64_t bad :
       {std::int64_t{5}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::max()}) {
    const Tensor target = Tensor::from(std::vector<std::int64_t>{0, bad, 2, 4}, {4}, device);
    for (const Reduction reduction : {Reduction::none, Reduction::mean, Reduction::sum}) {
      expect_error<ValueError>([&] { (void)nll_loss(x, target, reduction).to("cpu"); },
                               {"target", "[0, 5)", std::to_string(bad)});
      Tensor gx = Tensor::empty({4, 5}, {DType::float32, device});
      const Tensor g =
          Tensor::ones(reduction == Reduction::none ? Shape{4} : Shape{}, {DType::float32, device});
      kernel::nll_loss_backward(g, target, reduction, gx);
      expect_error<ValueError>([&] { (void)gx.to("cpu"); }, {"target", "[0, 5)", std::to_string(bad)});
    }
  }
  EXPECT_EQ(sum(x).to("cpu").numel(), 1);  // the error is then cleared
}

// One fused op against its composite form: loss and gradient.
TEST_F(CudaReductions, CrossEntropyMatchesNllOfLogSoftmax) {
  for (const DType dtype : {DType::float64, DType::float32, DType::float16, DType::bfloat16}) {
    for (const Shape& shape : {Shape{1, 1}, Shape{7, 10}, Shape{300, 12}, Shape{3, 1032}, Shape{2, 2051}}) {
      for (const Layout layout : {Layout::contiguous, Layout::transposed, Layout::offset}) {
        const Tensor x = tensor(shape, dtype, layout);
        const Input wanted = labels({shape[0]}, shape[1]);
        const Tensor target = make_input(wanted, make_values(wanted, "t"), dtype, device);
        for (const Reduction reduction : {Reduction::none, Reduction::mean, Reduction::sum}) {
          SCOPED_TRACE(testing::Message()
                       << dtype << ' ' << shape << ", layout " << static_cast<int>(layout));
          const auto loss_and_gradient = [&](const auto& loss) {
            Tensor leaf = x.detach();
            leaf.set_requires_grad();
            const Tensor y = loss(leaf);
            sum(y).backward();
            const Tensor both[] = {y.detach().reshape({-1}), leaf.grad().reshape({-1})};
            return to_array(cat(both, 0));
          };
          const naive::Array fused =
              loss_and_gradient([&](const Tensor& t) { return cross_entropy(t, target, reduction); });
          const naive::Array composite = loss_and_gradient(
              [&](const Tensor& t) { return nll_loss(log_softmax(t, 1), target, reduction); });
          const double tolerance = dtype == DType::float64   ? 1e-14
                                   : dtype == DType::float32 ? 1e-6
                                   : dtype == DType::float16 ? 0x1p-9
                                                             : 0x1p-6;
          EXPECT_TRUE(close(fused, composite, tolerance));
        }
      }
    }
  }
}

TEST_F(CudaReductions, CrossEntropyOfABadTarget) {
  const Tensor x = tensor({4, 5}, DType::float32);
  const Tensor target = Tensor::from(std::vector<std::int64_t>{0, 5, 2, 4}, {4}, device);
  for (const Reduction reduction : {Reduction::none, Reduction::mean, Reduction::sum})
    expect_error<ValueError>([&] { (void)cross_entropy(x, target, reduction).to("cpu"); },
                             {"[cross_entropy]", "target", "[0, 5)", "got 5"});
}

TEST_F(CudaReductions, LossesOfHalves) {
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    const Tensor x = tensor({300, 12}, dtype);
    const Tensor target = make_input(labels({300}, 12), make_values(labels({300}, 12), "t"), dtype, device);
    for (const Reduction reduction : {Reduction::none, Reduction::mean, Reduction::sum}) {
      const auto loss = [&](const Tensor& t) { return nll_loss(t, target.to(t.device()), reduction); };
      EXPECT_TRUE(close(to_array(loss(x)), on_cpu(x, DType::float32, loss),
                        dtype == DType::float16 ? 0x1p-10 : 0x1p-7));
    }
  }
}

#ifdef METRON_EMULATED
// Adjacent threads exchange one, two and four words through shared memory without bank conflicts.
TEST_F(CudaReductions, OuterAxesHaveNoBankConflicts) {
  const auto reduce_outer_axes = [&] {
    for (const DType dtype : {DType::float32, DType::float64}) {
      const Tensor x = tensor({130, 40}, dtype);
      (void)sum(x, Axes{0});
      (void)softmax(x, 0);
      (void)argmax(x, Axes{0});
    }
  };
  int kernels = 0;
  for (const emulator::KernelCounters& kernel : counters_of(reduce_outer_axes, 4)) {
    if (kernel.shared.loads.accesses == 0) continue;
    ++kernels;
    EXPECT_EQ(kernel.shared.loads.ratio(), 1) << kernel.kernel;
    EXPECT_EQ(kernel.shared.stores.ratio(), 1) << kernel.kernel;
  }
  EXPECT_EQ(kernels, 6);
}
#endif

}  // namespace
}  // namespace metron::test
