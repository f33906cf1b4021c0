// Matrix product by oneDNN's SGEMM; bias and ReLU are a pass over the result.
//
// SGEMM packs the operands of large products only. Otherwise, an operand strided along k by a multiple of 4
// KiB causes L1 set conflicts, at less than half the speed. Such an operand is copied chunk by chunk into a
// buffer with a padded leading dimension. (64, 128) x (128, 1024) on a Zen 2 core: 36 GFLOP/s in place, 89
// staged, 93 with a leading dimension of 1040.
//
// SGEMM sums in one chain: k is cut into chains that it adds to y. Sums longer than chains of chains are
// declined, as are those of single rows or columns, whose chains start from y.
#include <metron/core/parallel.h>
#include <metron/core/slots.h>
#include <metron/core/timer/profile_range.h>
#include <metron/kernels/internal/long_sums.h>
#include <metron/kernels/onednn/context.h>
#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <utility>

namespace metron::onednn {
namespace {

using Index = std::int64_t;

constexpr Index grain = 32768;  // multiply-adds or elements that amortize a thread
constexpr Index page = 1024;    // floats in 4 KiB: elements this far apart map to the same L1 set
constexpr Index large = 378;    // SGEMM packs its operands from this m and n on

// A BLAS matrix.
struct Matrix {
  const float* data;
  Index stride;  // leading dimension: between rows, or between columns if transposed
  Index batch;   // between matrices
  bool transposed;

  char flag() const { return transposed ? 'T' : 'N'; }
};

std::optional<Matrix> matrix(const Tensor& x) {
  const Index rows = x.size(-2), columns = x.size(-1);
  const Index row = x.strides()[x.rank() - 2], column = x.strides()[x.rank() - 1];
  const Index batch = x.rank() == 3 ? x.strides()[0] : 0;
  if ((column == 1 || columns == 1) && (row >= columns || rows == 1))
    return Matrix{x.data<float>(), rows == 1 ? columns : row, batch, false};
  if ((row == 1 || rows == 1) && (column >= rows || columns == 1))
    return Matrix{x.data<float>(), columns == 1 ? rows : column, batch, true};
  return std::nullopt;
}

// y (m, n) = a (m, k) b (k, n).
struct Product {
  Index m, n, k;
  Matrix a, b;
  float* y;
  Index y_stride, y_batch;
};

Product nth(const Product& first, Index batch) {
  Product p = first;
  p.a.data += batch * p.a.batch;
  p.b.data += batch * p.b.batch;
  p.y += batch * p.y_batch;
  return p;
}

// The first call of SGEMM generates all of its kernels: a one-time initialization cost of some 25 ms. The
// profile range keeps it apart from the first product.
void start_sgemm() {
  [[maybe_unused]] static const bool started = [] {
    const ProfileRange range("oneDNN initialization");
    constexpr int size = 16;
    const std::array<float, size * size> a{}, b{};
    std::array<float, size * size> c{};
    dnnl_sgemm('N', 'N', size, size, size, 1, a.data(), size, b.data(), size, 0, c.data(), size);
    return true;
  }();
}

// For k = 1: a single pass over y, without SGEMM's packing.
void outer_product(const Product& p) {
  const Index a_step = p.a.transposed ? 1 : p.a.stride, b_step = p.b.transposed ? p.b.stride : 1;
  parallel_for(p.m, std::max<Index>(grain / p.n, 1), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const float factor = p.a.data[i * a_step];
      float* const to = p.y + i * p.y_stride;
      for (Index j = 0; j < p.n; ++j) to[j] = factor * p.b.data[j * b_step];
    }
  });
}

// False if SGEMM failed, which only happens when it is out of memory.
bool multiply(const Product& p) {
  if (p.k == 1) {
    outer_product(p);
    return true;
  }
  for (Index k = 0; k < p.k; k += chain_length) {
    const float* const a = p.a.data + k * (p.a.transposed ? p.a.stride : 1);
    const float* const b = p.b.data + k * (p.b.transposed ? 1 : p.b.stride);
    const float of_y = k == 0 ? 0 : 1;
    if (dnnl_sgemm(p.a.flag(), p.b.flag(), p.m, p.n, std::min(chain_length, p.k - k), 1, a, p.a.stride, b,
                   p.b.stride, of_y, p.y, p.y_stride) != dnnl_success)
      return false;
  }
  return true;
}

// How a product is split to stage one operand chunk by chunk: along m for a, along n for b.
struct Staging {
  Matrix Product::*operand = nullptr;  // null: no staging, the operands are read in place
  Index Product::*axis = nullptr;
  Index width = 0;  // of a chunk along the axis
  Index chunks = 1;

  Index stride() const { return width + 16; }  // leading dimension of the buffer, in floats
};

Staging staging_of(const Product& p) {
  constexpr Index buffer = 64 * 1024;  // floats: half of an L2 cache
  constexpr Index tile = 48;           // a multiple of SGEMM's register tiles
  if (std::min(p.m, p.n) >= large || p.k < 16) return {};
  Staging staging;
  if (p.m >= 16 && !p.b.transposed && p.b.stride % page == 0) {
    staging = {&Product::b, &Product::n};
  } else if (p.n >= 16 && p.a.transposed && p.a.stride % page == 0) {
    staging = {&Product::a, &Product::m};
  } else {
    return {};
  }
  staging.width = std::clamp<Index>(buffer / p.k / tile * tile, tile, 4 * tile);
  staging.chunks = (p.*staging.axis + staging.width - 1) / staging.width;
  return staging;
}

bool multiply_chunk(const Product& p, const Staging& staging, Index index, float* buffer) {
  const auto [operand, axis] = std::pair(staging.operand, staging.axis);
  const Index begin = index * staging.width;
  Product chunk = p;
  chunk.*axis = std::min(staging.width, p.*axis - begin);
  for (Index i = 0; i < p.k; ++i)
    std::copy_n((p.*operand).data + i * (p.*operand).stride + begin, chunk.*axis,
                buffer + i * staging.stride());
  (chunk.*operand).data = buffer;
  (chunk.*operand).stride = staging.stride();
  chunk.y += axis == &Product::m ? begin * p.y_stride : begin;
  return multiply(chunk);
}

bool multiply_all(const Product& first, Index batches) {
  const int threads = detail::granted_threads();
  const detail::FixedTeam team(threads);
  if (first.k > 1) start_sgemm();
  const Staging staging = staging_of(first);
  const bool staged = staging.operand != nullptr;
  const Index work = first.m * first.n * first.k;
  const Index tasks = batches * staging.chunks;
  std::atomic<bool> done = true;
  if (staged || (tasks >= threads && work < Index{1} << 22)) {
    // One task per thread: inside a parallel region, SGEMM is single-threaded.
    const Index workers = std::clamp<Index>(batches * work / grain, 1, std::min<Index>(tasks, threads));
    const Index buffer_size = staged ? first.k * staging.stride() : 0;
    const Storage scratch(static_cast<std::size_t>(workers * buffer_size) * sizeof(float), Device());
    parallel_for(workers, 1, [&](Index worker, Index end) {
      float* const buffer = static_cast<float*>(scratch.data()) + worker * buffer_size;
      for (Index task = tasks * worker / workers; task < tasks * end / workers; ++task) {
        const Product p = nth(first, task / staging.chunks);
        if (!(staged ? multiply_chunk(p, staging, task % staging.chunks, buffer) : multiply(p))) done = false;
      }
    });
  } else {
    for (Index batch = 0; batch < batches; ++batch) done = multiply(nth(first, batch)) && done;
  }
  return done;
}

// The portable kernels are faster for tiny products, as a call of SGEMM takes 0.4 us. They also pack weights
// whose rows conflict in the L1 cache: (64, 9216) by (128, 9216)^T is twice as fast, 16 rows four times. With
// 2 to 6 rows or columns they read the large operand only once, up to 3 times as fast. With one they cut long
// sums.
bool portable_is_faster(const Product& p) {
  if (p.k == 1) return false;
  if (p.m * p.n * p.k < 8192) return true;
  const Index narrow = std::min(p.m, p.n);
  if (narrow == 1 && p.k > max_library_terms) return true;
  if (!p.a.transposed && p.b.transposed && p.b.stride % page == 0 && p.m >= 16 && narrow < large) return true;
  if (narrow < 2 || narrow > 6) return false;
  return p.a.transposed ? p.n == narrow : p.b.transposed && p.k >= 512;
}

// y = activation(y + bias)
void finish(const Product& p, const float* bias, bool relu) {
  parallel_for(p.m, std::max<Index>(grain / p.n, 1), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      float* const to = p.y + i * p.y_stride;
      if (bias != nullptr) {
        for (Index j = 0; j < p.n; ++j) to[j] += bias[j];
      }
      if (relu) {
        for (Index j = 0; j < p.n; ++j) to[j] = to[j] < 0 ? 0 : to[j];
      }
    }
  });
}

}  // namespace

bool matmul(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation, Tensor& y) {
  if (!supports({&a, &b, &bias, &y}) || (bias.defined() && !bias.is_contiguous())) return false;
  const std::optional<Matrix> left = matrix(a), right = matrix(b), result = matrix(y);
  if (!left || !right || !result || result->transposed) return false;
  const Index batches = y.rank() == 3 ? y.size(0) : 1;
  Product first{.m = y.size(-2),
                .n = y.size(-1),
                .k = a.size(-1),
                .a = *left,
                .b = *right,
                .y = nullptr,
                .y_stride = result->stride,
                .y_batch = result->batch};
  if (first.k > max_chained_terms || portable_is_faster(first)) return false;
  first.y = y.mutable_data<float>();
  if (!multiply_all(first, batches))
    fail<OutOfMemoryError>("matmul", "oneDNN ran out of memory for ", describe(a), " by ", describe(b));
  const float* const added = bias.defined() ? bias.data<float>() : nullptr;
  const bool relu = activation == Activation::relu;
  if (added != nullptr || relu) {
    for (Index batch = 0; batch < batches; ++batch) finish(nth(first, batch), added, relu);
  }
  return true;
}

}  // namespace metron::onednn
