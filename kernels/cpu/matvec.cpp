// Matrix products with few rows, bound by memory bandwidth: each element of b is read once, unpacked, and
// used for every row. A task is a block of columns of one batch. Memory traffic: at least b once.
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/matvec.h>
#include <metron/kernels/cpu/tasks.h>
#include <metron/kernels/internal/long_sums.h>

#include <algorithm>

namespace metron::METRON_ISA {
namespace {

constexpr Index max_rows = 8;
constexpr Index dot_columns = 16;  // per task
constexpr Index axpy_columns = 512;

// A product with few rows. The bias is indexed by column, or by row if the product is transposed.
template <typename T>
struct NarrowProduct {
  Product<T> product;
  bool bias_by_row;

  void set(Index batch, Index i, Index j, T value) const {
    if (product.bias != nullptr) value += product.bias[bias_by_row ? i : j];
    *product.y.at(batch, i, j) = rectified(product.relu, value);
  }
};

// A `rows` x `columns` tile of y from (i, j) on; a and b are both dense along k.
template <typename T, int rows, int columns>
void dot_tile(const NarrowProduct<T>& narrow, Index batch, Index i, Index j) {
  const Product<T>& p = narrow.product;
  const T* const a = p.a.at(batch, i, 0);
  const T* const b = p.b.at(batch, 0, j);
  constexpr Index lanes = vec_lanes<T>;
  Vec<T> totals[rows][columns];
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) totals[r][c] = Vec<T>{};
  }
  Index k = 0;
  while (k + lanes <= p.k) {
    const Index end = std::min(p.k - lanes, k + (chain_length - 1) * lanes);
    Vec<T> sums[rows][columns];
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) sums[r][c] = Vec<T>{};
    }
    for (; k <= end; k += lanes) {
      Vec<T> left[rows];
      for (int r = 0; r < rows; ++r) left[r] = load(a + r * p.a.row + k);
      for (int c = 0; c < columns; ++c) {
        const Vec<T> right = load(b + c * p.b.column + k);
        for (int r = 0; r < rows; ++r) sums[r][c] += left[r] * right;
      }
    }
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) totals[r][c] += sums[r][c];
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) {
      T sum = sum_of_lanes<T>(totals[r][c]);
      for (Index l = k; l < p.k; ++l) sum += a[r * p.a.row + l] * b[c * p.b.column + l];
      narrow.set(batch, i + r, j + c, sum);
    }
  }
}

template <typename T, int rows>
void dot_rows(const NarrowProduct<T>& narrow, Index batch, Index i, Index j, Index end) {
  constexpr int columns = rows <= 2 ? 4 : 2;
  for (; j + columns <= end; j += columns) dot_tile<T, rows, columns>(narrow, batch, i, j);
  for (; j < end; ++j) dot_tile<T, rows, 1>(narrow, batch, i, j);
}

template <typename T>
void dot_task(const NarrowProduct<T>& narrow, Index batch, Index first, Index last) {
  for (Index j = first; j < last; j += 4) {  // few enough that rows 4 to 7 hit b in the cache
    const Index end = std::min(j + 4, last);
    for (Index i = 0; i < narrow.product.m; i += 4) {
      switch (narrow.product.m - i) {
        case 1:
          dot_rows<T, 1>(narrow, batch, i, j, end);
          break;
        case 2:
          dot_rows<T, 2>(narrow, batch, i, j, end);
          break;
        case 3:
          dot_rows<T, 3>(narrow, batch, i, j, end);
          break;
        default:
          dot_rows<T, 4>(narrow, batch, i, j, end);
      }
    }
  }
}

// sums += scaled rows [k, end) of b, which are dense along the columns, four at a time.
template <typename T>
void axpy_rows(const Product<T>& p, Index batch, Index first, Index columns, Index k, Index end, T* sums) {
  for (; k + 4 <= end; k += 4) {
    const T* const b0 = p.b.at(batch, k, first);
    const T* const b1 = b0 + p.b.row;
    const T* const b2 = b1 + p.b.row;
    const T* const b3 = b2 + p.b.row;
    for (Index i = 0; i < p.m; ++i) {
      const T* const a = p.a.at(batch, i, k);
      const T a0 = a[0], a1 = a[p.a.column], a2 = a[2 * p.a.column], a3 = a[3 * p.a.column];
      T* const sum = sums + i * axpy_columns;
      for (Index j = 0; j < columns; ++j) sum[j] = sum[j] + a0 * b0[j] + a1 * b1[j] + a2 * b2[j] + a3 * b3[j];
    }
  }
  for (; k < end; ++k) {
    const T* const b = p.b.at(batch, k, first);
    for (Index i = 0; i < p.m; ++i) {
      const T a = *p.a.at(batch, i, k);
      T* const sum = sums + i * axpy_columns;
      for (Index j = 0; j < columns; ++j) sum[j] += a * b[j];
    }
  }
}

template <typename T>
void axpy_task(const NarrowProduct<T>& narrow, Index batch, Index first, Index last, T* totals) {
  const Product<T>& p = narrow.product;
  const Index size = p.m * axpy_columns, columns = last - first;
  T* const sums = totals + size;
  std::fill_n(totals, size, T{0});
  for (Index k = 0; k < p.k; k += chain_length) {
    T* const to = k == 0 ? totals : sums;
    if (k > 0) std::fill_n(sums, size, T{0});
    axpy_rows(p, batch, first, columns, k, std::min(k + chain_length, p.k), to);
    for (Index i = 0; k > 0 && i < size; ++i) totals[i] += sums[i];
  }
  for (Index i = 0; i < p.m; ++i) {
    for (Index j = 0; j < columns; ++j) narrow.set(batch, i, first + j, totals[i * axpy_columns + j]);
  }
}

template <typename T>
bool multiply_few_rows(const NarrowProduct<T>& narrow) {
  const Product<T>& p = narrow.product;
  const bool dot = p.b.row == 1 && p.a.column == 1;
  const bool axpy = p.b.column == 1;
  if (p.m > max_rows || (!dot && !axpy)) return false;
  const Index columns = dot ? dot_columns : axpy_columns;
  const Index blocks = ceil_div(p.n, columns);
  const Index work = p.m * p.k * std::min(columns, p.n);
  for_each_task<T>(p.batches * blocks, work, dot ? 0 : 2 * p.m * axpy_columns, [&](Index task, T* scratch) {
    const Index first = task % blocks * columns;
    const Index last = std::min(first + columns, p.n);
    if (dot) {
      dot_task(narrow, task / blocks, first, last);
    } else {
      axpy_task(narrow, task / blocks, first, last, scratch);
    }
  });
  return true;
}

template <typename Pointer>
Operand<Pointer> transposed(const Operand<Pointer>& x) {
  return {x.data, x.batch, x.column, x.row};
}

}  // namespace

template <typename T>
bool multiply_narrow(const Product<T>& p) {
  if (multiply_few_rows<T>({p, false})) return true;
  const Product<T> swapped{p.batches,       p.n,    p.m,   p.k, transposed(p.b), transposed(p.a),
                           transposed(p.y), p.bias, p.relu};
  return multiply_few_rows<T>({swapped, true});
}

template bool multiply_narrow(const Product<float>&);
template bool multiply_narrow(const Product<double>&);

}  // namespace metron::METRON_ISA
