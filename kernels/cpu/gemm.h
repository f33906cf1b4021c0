// The blocked matrix product under matmul and the convolutions: C = A B on blocks that stay in the caches.
// Every element of C is summed in one order, whatever the block sizes: runs of at most k_block products each.
#pragma once

#include <metron/kernels/cpu/vec.h>

namespace metron::METRON_ISA {

// B is packed into panels of so many columns, padded with zeros: row 0 of the panel's columns, row 1, ...
template <typename T>
inline constexpr Index panel_width = 2 * vec_lanes<T>;
// Rows of C that the innermost kernel holds in registers: with panel_width columns they fill most of them.
inline constexpr Index tile_rows = vec_bytes == 64 ? 8 : vec_bytes == 32 ? 6 : 4;
// Rows of A and length of a run of products: a block of A stays in the L2 cache, a panel of B in L1.
inline constexpr Index row_block = 96;
inline constexpr Index k_block = 256;

// to[i * to_row + j] = from[i * row + j * column] for a (rows, columns) matrix.
template <typename T>
void copy_matrix(Index rows, Index columns, const T* from, Index row, Index column, T* to, Index to_row);

// One panel of B (k, columns <= panel_width) with the given strides.
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
  bool accumulate;        // onto c, else c is overwritten
  const T* bias;          // (n) added after the last run of products, or null
  bool relu;
};

template <typename T>
void multiply(const GemmBlock<T>& block);

}  // namespace metron::METRON_ISA
