// y = a @ b + bias, blocked: b is packed once, then each task computes a block of rows and columns of one
// matrix. matvec.cpp handles narrow products. A long k is split: the partial products are a batch, summed in
// double. Memory traffic: at least a, b and y once.
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/gemm.h>
#include <metron/kernels/cpu/matvec.h>
#include <metron/kernels/cpu/tasks.h>
#include <metron/kernels/internal/formatted.h>
#include <metron/kernels/internal/linear_backward.h>

#include <algorithm>

namespace metron::METRON_ISA {
namespace {

constexpr Index packed_bytes = 8 * 1024 * 1024;  // of b packed at a time; at least one panel
constexpr Index partial_elements =
    4 * 1024 * 1024;  // of split-K's partial products, unless blocks get too small
constexpr Index split_rows = row_block, split_columns = 512;  // of such a block, at least
constexpr Index row_padding = 16;  // avoids cache-set conflicts between the rows of a block of a

// The batches and panels of b that are packed at a time.
struct Slab {
  Index batch, batches;
  Index panel, panels;
};

template <typename T>
void pack(const Product<T>& product, const Slab& slab, T* packed) {
  const Index matrices = product.b.batch == 0 ? 1 : slab.batches;
  const Index panel_size = product.k * panel_width<T>;
  parallel_for(matrices * slab.panels, grain_of(panel_size), [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      const Index column = (slab.panel + i % slab.panels) * panel_width<T>;
      const Index columns = std::min(panel_width<T>, product.n - column);
      pack_panel(product.k, columns, product.b.at(slab.batch + i / slab.panels, 0, column), product.b.row,
                 product.b.column, packed + i * panel_size);
    }
  });
}

// Rows [first, last) of `columns` columns of y from `column` on; b points to their packed panels.
template <typename T>
void multiply_rows(const Product<T>& product, Index batch, Index first, Index last, Index column,
                   Index columns, const T* b, T* scratch) {
  const bool transposed = product.a.row == 1 && product.a.column != 1;
  // Copying a pays off if its block is read often enough; without a unit stride it is required.
  const bool in_place = columns <= 4 * panel_width<T> && (transposed || product.a.column == 1);
  const Index rows = last - first;
  Index done = 0;
  do {
    const Index run = std::min(k_block, product.k - done);
    const bool is_last = done + run == product.k;
    const T* a = product.a.at(batch, first, done);
    Index a_stride = transposed ? product.a.column : product.a.row;
    if (!in_place) {
      if (transposed) {
        copy_matrix(run, rows, a, product.a.column, 1, scratch, row_block + row_padding);
      } else {
        copy_matrix(rows, run, a, product.a.row, product.a.column, scratch, k_block + row_padding);
      }
      a = scratch;
      a_stride = (transposed ? row_block : k_block) + row_padding;
    }
    multiply<T>({.m = rows,
                 .n = columns,
                 .k = run,
                 .a = a,
                 .a_stride = a_stride,
                 .a_is_transposed = transposed,
                 .b = b + done * panel_width<T>,
                 .b_stride = product.k * panel_width<T>,
                 .c = product.y.at(batch, first, column),
                 .c_row = product.y.row,
                 .c_column = product.y.column,
                 .accumulate = done > 0,
                 .bias = is_last && product.bias != nullptr ? product.bias + column : nullptr,
                 .relu = is_last && product.relu});
    done += run;
  } while (done < product.k);
}

template <typename T>
void multiply_slab(const Product<T>& product, const Slab& slab, const T* packed) {
  constexpr Index scratch_size =
      std::max(row_block * (k_block + row_padding), k_block * (row_block + row_padding));
  const Index tiles = ceil_div(product.m, tile_rows);
  const Index row_blocks = ceil_div(tiles, row_block / tile_rows);
  const Index column_blocks =
      std::clamp<Index>(ceil_div(2 * num_threads(), slab.batches * row_blocks), 1, slab.panels);
  const Index tasks = slab.batches * row_blocks * column_blocks;
  const Index work = product.k * ceil_div(product.m, row_blocks) * ceil_div(slab.panels, column_blocks) *
                     panel_width<T> / products_per_element;
  for_each_task<T>(tasks, work, scratch_size, [&](Index task, T* scratch) {
    const Index batch = task / (row_blocks * column_blocks);
    const Index rows = task / column_blocks % row_blocks;
    const Index columns = task % column_blocks;
    const Index first_row = tiles * rows / row_blocks * tile_rows;
    const Index last_row = std::min(tiles * (rows + 1) / row_blocks * tile_rows, product.m);
    const Index first_panel = slab.panels * columns / column_blocks;
    const Index last_panel = slab.panels * (columns + 1) / column_blocks;
    const Index column = (slab.panel + first_panel) * panel_width<T>;
    const Index end = std::min((slab.panel + last_panel) * panel_width<T>, product.n);
    const Index matrix = product.b.batch == 0 ? 0 : batch;
    multiply_rows(product, slab.batch + batch, first_row, last_row, column, end - column,
                  packed + (matrix * slab.panels + first_panel) * product.k * panel_width<T>, scratch);
  });
}

template <typename T>
void multiply_blocked(const Product<T>& product) {
  const Index panels = ceil_div(product.n, panel_width<T>);
  const Index panel_bytes = product.k * panel_width<T> * static_cast<Index>(sizeof(T));
  const Index fitting = std::max<Index>(packed_bytes / std::max<Index>(panel_bytes, 1), 1);
  const bool shared = product.b.batch == 0;
  const Index slab_panels = std::min(panels, fitting);
  const Index slab_batches =
      shared ? product.batches : std::clamp<Index>(fitting / panels, 1, product.batches);
  const Index matrices = shared ? 1 : slab_batches;
  const Scratch scratch(matrices * slab_panels * product.k * panel_width<T>, dtype_of<T>);
  T* const packed = scratch.data<T>();
  for (Index panel = 0; panel < panels; panel += slab_panels) {
    for (Index batch = 0; batch < product.batches; batch += slab_batches) {
      const Slab slab{batch, std::min(slab_batches, product.batches - batch), panel,
                      std::min(slab_panels, panels - panel)};
      pack(product, slab, packed);
      multiply_slab(product, slab, packed);
    }
  }
}

template <typename T>
void multiply_any(const Product<T>& product);

// y = the sum of `count` partial products (m, n) + bias, in double, in order.
template <typename T>
void sum_partials(const T* partials, Index count, const Product<T>& p) {
  constexpr Index strip = 64;
  const Index size = p.m * p.n, strips = ceil_div(p.n, strip);
  parallel_for(p.m * strips, grain_of(count * std::min(strip, p.n)), [&](Index first, Index last) {
    double sum[strip];
    for (Index task = first; task < last; ++task) {
      const Index row = task / strips, column = task % strips * strip;
      const Index columns = std::min(strip, p.n - column);
      std::fill_n(sum, columns, 0.0);
      for (Index i = 0; i < count; ++i) {
        const T* const from = partials + i * size + row * p.n + column;
        for (Index j = 0; j < columns; ++j) sum[j] += static_cast<double>(from[j]);
      }
      for (Index j = 0; j < columns; ++j) {
        if (p.bias != nullptr) sum[j] += static_cast<double>(p.bias[column + j]);
        *p.y.at(0, row, column + j) = rectified(p.relu, static_cast<T>(sum[j]));
      }
    }
  });
}

// Split-K of one matrix: slices of at most max_chained_terms are a batch, the remainder is a product of its
// own. The slices depend on k alone.
template <typename T>
void multiply_splits(const Product<T>& p, Index splits, T* partials) {
  const Index depth = p.k / splits, remainder = p.k % splits, size = p.m * p.n;
  const auto slice = [&](Index count, Index first, Index k) {
    multiply_any<T>({.batches = count,
                     .m = p.m,
                     .n = p.n,
                     .k = k,
                     .a = {p.a.at(0, 0, first * depth), k * p.a.column, p.a.row, p.a.column},
                     .b = {p.b.at(0, first * depth, 0), k * p.b.row, p.b.row, p.b.column},
                     .y = {partials + first * size, size, p.n, 1},
                     .bias = nullptr,
                     .relu = false});
  };
  slice(splits, 0, depth);
  if (remainder > 0) slice(1, splits, remainder);
  sum_partials(partials, splits + (remainder > 0 ? 1 : 0), p);
}

// In blocks of y, to bound the memory of their partial products.
template <typename T>
void multiply_deep(const Product<T>& p) {
  const Index splits = ceil_div(p.k, max_chained_terms);
  const Index fitting = partial_elements / (splits + 1);
  const Index columns = std::min(p.n, std::max(split_columns, fitting / std::min(p.m, split_rows)));
  const Index rows = std::min(p.m, std::max(split_rows, fitting / columns));
  const Scratch scratch((splits + 1) * rows * columns, dtype_of<T>);
  for (Index batch = 0; batch < p.batches; ++batch) {
    for (Index row = 0; row < p.m; row += rows) {
      for (Index column = 0; column < p.n; column += columns) {
        Product<T> block = p;
        block.batches = 1;
        block.m = std::min(rows, p.m - row);
        block.n = std::min(columns, p.n - column);
        block.a.data = p.a.at(batch, row, 0);
        block.b.data = p.b.at(batch, 0, column);
        block.y.data = p.y.at(batch, row, column);
        if (p.bias != nullptr) block.bias = p.bias + column;
        multiply_splits(block, splits, scratch.data<T>());
      }
    }
  }
}

template <typename T>
void multiply_any(const Product<T>& product) {
  if (product.k > max_chained_terms) return multiply_deep(product);
  if (!multiply_narrow(product)) multiply_blocked(product);
}

template <typename Pointer>
Operand<Pointer> operand(Pointer data, const Tensor& tensor) {
  const Strides& strides = tensor.strides();
  if (tensor.rank() == 2) return {data, 0, strides[0], strides[1]};
  return {data, tensor.size(0) == 1 ? 0 : strides[0], strides[1], strides[2]};
}

}  // namespace

bool matmul(const Tensor& a, const Tensor& b, const Tensor& bias, Activation activation, Tensor& y) {
  return visit_dtype<float, double>(y.dtype(), [&]<typename T>() {
    const FormattedInput dense_bias(bias, MemoryFormat::contiguous, copy);
    const Product<T> product{.batches = y.rank() == 3 ? y.size(0) : 1,
                             .m = y.size(-2),
                             .n = y.size(-1),
                             .k = a.size(-1),
                             .a = operand(a.data<T>(), a),
                             .b = operand(b.data<T>(), b),
                             .y = operand(y.mutable_data<T>(), y),
                             .bias = dense_bias.data<T>(),
                             .relu = activation == Activation::relu};
    if (y.numel() > 0) multiply_any(product);
  });
}

bool linear_backward_weight(const Tensor& g, const Tensor& x, Tensor& gw, Tensor& gb) {
  return linear_backward_weight_by(matmul, reduce, g, x, gw, gb);
}

}  // namespace metron::METRON_ISA
