// y = a @ b + bias, blocked: b is packed once, then each task computes a block of rows and columns of one
// matrix. matvec.cpp handles narrow products. Memory traffic: at least a, b and y once.
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
    if (y.numel() == 0 || multiply_narrow(product)) return;
    multiply_blocked(product);
  });
}

bool linear_backward_weight(const Tensor& g, const Tensor& x, Tensor& gw, Tensor& gb) {
  return linear_backward_weight_by(matmul, reduce, g, x, gw, gb);
}

}  // namespace metron::METRON_ISA
