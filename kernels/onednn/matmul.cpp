// Matrix product by oneDNN's SGEMM; bias and ReLU are a pass over the result.
// SGEMM reads the operands of all but large products in place. One that lies with k across its lines, and
// those a multiple of 4 KiB apart, evicts its own lines from the L1 cache: less than half the speed. Such an
// operand is copied, part by part, into a buffer whose lines lie otherwise. (64, 128) x (128, 1024) on a core
// of Zen 2: 36 GFLOP/s in place, 89 so, 93 if lines have 1040 elements.
#include <metron/core/parallel.h>
#include <metron/core/timer/profile_range.h>
#include <metron/kernels/onednn/context.h>
#include <metron/core/slots.h>
#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <utility>

namespace metron::onednn {
namespace {

using Index = std::int64_t;

constexpr Index grain = 32768;  // multiply-adds or elements that are worth a thread of their own
constexpr Index page = 1024;    // floats of 4 KiB: elements this far apart share a set of the L1 cache
constexpr Index large = 378;    // SGEMM packs its operands where both m and n reach this

// A matrix as BLAS knows them.
struct Matrix {
  const float* data;
  Index stride;  // from one row to the next, from one column to the next if transposed
  Index batch;   // from one matrix to the next
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

// Whatever it is asked for first, SGEMM generates the code of all its kernels: some 25 ms that a process pays
// once. The range names them, as no product's own.
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

// One pass that writes y, for k = 1; SGEMM packs first.
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

// False if SGEMM failed, which it does for want of memory alone.
bool multiply(const Product& p) {
  if (p.k == 1) {
    outer_product(p);
    return true;
  }
  return dnnl_sgemm(p.a.flag(), p.b.flag(), p.m, p.n, p.k, 1, p.a.data, p.a.stride, p.b.data, p.b.stride, 0,
                    p.y, p.y_stride) == dnnl_success;
}

// How a product is split to copy one operand part by part: along m if that is a, along n if it is b.
struct Staging {
  Matrix Product::*operand = nullptr;  // null: the product is computed as a whole, in place
  Index Product::*axis = nullptr;
  Index width = 0;  // of a part along the axis
  Index parts = 1;

  Index line() const { return width + 16; }  // of the buffer, in floats
};

Staging staging_of(const Product& p) {
  constexpr Index buffer = 64 * 1024;  // floats: half of an L2 cache
  constexpr Index tile = 48;           // a multiple of the tiles of SGEMM's kernels
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
  staging.parts = (p.*staging.axis + staging.width - 1) / staging.width;
  return staging;
}

bool multiply_part(const Product& p, const Staging& staging, Index part, float* buffer) {
  const auto [operand, axis] = std::pair(staging.operand, staging.axis);
  const Index begin = part * staging.width;
  Product piece = p;
  piece.*axis = std::min(staging.width, p.*axis - begin);
  for (Index i = 0; i < p.k; ++i)
    std::copy_n((p.*operand).data + i * (p.*operand).stride + begin, piece.*axis,
                buffer + i * staging.line());
  (piece.*operand).data = buffer;
  (piece.*operand).stride = staging.line();
  piece.y += axis == &Product::m ? begin * p.y_stride : begin;
  return multiply(piece);
}

bool multiply_all(const Product& first, Index batches) {
  const int threads = detail::granted_threads();
  const detail::FixedTeam team(threads);
  if (first.k > 1) start_sgemm();
  const Staging staging = staging_of(first);
  const bool staged = staging.operand != nullptr;
  const Index work = first.m * first.n * first.k;
  const Index tasks = batches * staging.parts;
  std::atomic<bool> done = true;
  if (staged || (tasks >= threads && work < Index{1} << 22)) {
    // A task a thread: inside of a parallel region SGEMM forks no threads of its own.
    const Index workers = std::clamp<Index>(batches * work / grain, 1, std::min<Index>(tasks, threads));
    const Index buffer = staged ? first.k * staging.line() : 0;
    const Storage scratch(static_cast<std::size_t>(workers * buffer) * sizeof(float), Device());
    parallel_for(workers, 1, [&](Index worker, Index end) {
      float* const mine = static_cast<float*>(scratch.data()) + worker * buffer;
      for (Index task = tasks * worker / workers; task < tasks * end / workers; ++task) {
        const Product p = nth(first, task / staging.parts);
        if (!(staged ? multiply_part(p, staging, task % staging.parts, mine) : multiply(p))) done = false;
      }
    });
  } else {
    for (Index batch = 0; batch < batches; ++batch) done = multiply(nth(first, batch)) && done;
  }
  return done;
}

// Tiny products, for SGEMM takes 0.4 us to start; rows of dot products with weights whose lines evict each
// other from the L1 cache, which the portable kernels pack: (64, 9216) by (128, 9216)^T twice, 16 rows four
// times as fast; and some with 2 to 6 rows or columns, where those read the large operand once, up to 3 times
// as fast.
bool portable_is_faster(const Product& p) {
  if (p.k == 1) return false;
  if (p.m * p.n * p.k < 8192) return true;
  const Index narrow = std::min(p.m, p.n);
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
  if (portable_is_faster(first)) return false;
  first.y = y.mutable_data<float>();
  if (!multiply_all(first, batches))
    fail<OutOfMemoryError>("matmul", "oneDNN found no memory for ", describe(a), " by ", describe(b));
  const float* const added = bias.defined() ? bias.data<float>() : nullptr;
  const bool relu = activation == Activation::relu;
  if (added != nullptr || relu) {
    for (Index batch = 0; batch < batches; ++batch) finish(nth(first, batch), added, relu);
  }
  return true;
}

}  // namespace metron::onednn
