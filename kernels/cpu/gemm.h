// The GEMM of matmul and the convolutions: C = A B on cache-sized blocks. The summation order of an element
// of C does not depend on m, n or their blocking: partial sums of at most k_block products, added in order.
// Its callers cut sums longer than max_chained_terms.
#pragma once

#include <metron/kernels/cpu/vec.h>
#include <metron/kernels/internal/long_sums.h>

namespace metron::METRON_ISA {

// Columns of a packed panel of B. Panels are row-major and zero-padded to this width.
template <typename T>
inline constexpr Index panel_width = 2 * vec_lanes<T>;
// Rows of C per micro tile: tile_rows x panel_width accumulators fill most of the registers.
inline constexpr Index tile_rows = vec_bytes == 64 ? 8 : vec_bytes == 32 ? 6 : 4;
// Cache blocking over m and k: a block of A stays in L2, a panel of B in L1.
inline constexpr Index row_block = 96;
inline constexpr Index k_block = chain_length;

// to[i * to_row + j] = from[i * row + j * column] for a (rows, columns) matrix.
template <typename T>
void copy_matrix(Index rows, Index columns, const T* from, Index row, Index column, T* to, Index to_row);

// Packs one panel of B (k, columns <= panel_width) with strides `row` and `column`.
template <typename T>
void pack_panel(Index k, Index columns, const T* from, Index row, Index column, T* panel);

template <typename T>
struct GemmBlock {
  Index m, n, k;
  const T* a;             // (m, k)
  Index a_stride;         // from one row to the next, or from one k to the next if a_is_transposed
  bool a_is_transposed;   // stored as (k, m)
  const T* b;             // ceil(n / panel_width) panels
  Index b_stride;         // from one panel to the next
  T* c;                   // (m, n)
  Index c_row, c_column;  // strides
  bool accumulate;        // adds to c instead of overwriting it
  const T* bias;          // (n) or null, added in the epilogue
  bool relu;
};

template <typename T>
void multiply(const GemmBlock<T>& block);

}  // namespace metron::METRON_ISA
