// Register-blocked GEMM: a micro kernel computes tile_rows x panel_width elements of C from a packed panel of
// B in L1 and broadcast elements of A. Runs on the calling thread; callers distribute the blocks. Cache
// traffic: at least A and C once per panel of B, and B once per tile_rows of A.
#include <metron/kernels/cpu/gemm.h>

#include <algorithm>
#include <array>

namespace metron::METRON_ISA {
namespace {

template <typename T>
using MicroKernel = void (*)(Index k, const T* a, Index a_stride, const T* b, T* tile);

template <typename T, int rows, bool a_is_transposed>
void micro_kernel(Index k, const T* a, Index a_stride, const T* b, T* tile) {
  constexpr int n = vec_lanes<T>;
  Vec<T> sum[rows][2];
  for (int i = 0; i < rows; ++i) sum[i][0] = sum[i][1] = Vec<T>{};
  for (Index p = 0; p < k; ++p, b += 2 * n) {
    const Vec<T> left = load(b);
    const Vec<T> right = load(b + n);
    for (int i = 0; i < rows; ++i) {
      const T factor = a_is_transposed ? a[p * a_stride + i] : a[i * a_stride + p];
      sum[i][0] += factor * left;
      sum[i][1] += factor * right;
    }
  }
  for (int i = 0; i < rows; ++i) {
    store(tile + 2 * n * i, sum[i][0]);
    store(tile + 2 * n * i + n, sum[i][1]);
  }
}

// Element r - 1 computes r rows, so the lower edge of C wastes no work.
template <typename T, bool a_is_transposed>
constexpr auto micro_kernels = []<std::size_t... Row>(std::index_sequence<Row...>) {
  return std::array<MicroKernel<T>, sizeof...(Row)>{micro_kernel<T, int{Row} + 1, a_is_transposed>...};
}
(std::make_index_sequence<std::size_t{tile_rows}>());

template <typename T>
void store_full(const T* tile, Index rows, const GemmBlock<T>& block, T* c, const T* bias) {
  constexpr Index n = vec_lanes<T>;
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < panel_width<T>; j += n) {
      Vec<T> value = load(tile + i * panel_width<T> + j);
      if (block.accumulate) value += load(c + i * block.c_row + j);
      if (bias != nullptr) value += load(bias + j);
      if (block.relu) value = value < Vec<T>{} ? Vec<T>{} : value;
      store(c + i * block.c_row + j, value);
    }
  }
}

template <typename T>
void store_partial(const T* tile, Index rows, Index columns, const GemmBlock<T>& block, T* c, const T* bias) {
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < columns; ++j) {
      T& element = c[i * block.c_row + j * block.c_column];
      T value = tile[i * panel_width<T> + j];
      if (block.accumulate) value += element;
      if (bias != nullptr) value += bias[j];
      element = rectified(block.relu, value);
    }
  }
}

template <typename T>
void copy_transposed(Index rows, Index columns, const T* from, Index column, T* to, Index to_row) {
  constexpr Index n = vec_lanes<T>;
  const Index whole_rows = rows / n * n;
  const Index whole_columns = columns / n * n;
  for (Index i = 0; i < whole_rows; i += n) {
    for (Index j = 0; j < whole_columns; j += n) {
      Vec<T> square[n];
      for (Index l = 0; l < n; ++l) square[l] = load(from + i + (j + l) * column);
      transpose<T>(square);
      for (Index l = 0; l < n; ++l) store(to + (i + l) * to_row + j, square[l]);
    }
  }
  for (Index i = 0; i < rows; ++i) {
    for (Index j = i < whole_rows ? whole_columns : 0; j < columns; ++j)
      to[i * to_row + j] = from[i + j * column];
  }
}

}  // namespace

template <typename T>
void copy_matrix(Index rows, Index columns, const T* from, Index row, Index column, T* to, Index to_row) {
  if (column == 1 && columns == panel_width<T>) {
    for (Index i = 0; i < rows; ++i) std::memcpy(to + i * to_row, from + i * row, sizeof(T) * panel_width<T>);
  } else if (column == 1) {
    const auto bytes = static_cast<std::size_t>(columns) * sizeof(T);
    for (Index i = 0; i < rows; ++i) std::memcpy(to + i * to_row, from + i * row, bytes);
  } else if (row == 1) {
    copy_transposed(rows, columns, from, column, to, to_row);
  } else {
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < columns; ++j) to[i * to_row + j] = from[i * row + j * column];
    }
  }
}

template <typename T>
void pack_panel(Index k, Index columns, const T* from, Index row, Index column, T* panel) {
  if (columns < panel_width<T>) std::fill_n(panel, k * panel_width<T>, T{0});
  copy_matrix(k, columns, from, row, column, panel, panel_width<T>);
}

template <typename T>
void multiply(const GemmBlock<T>& block) {
  const auto& kernels = block.a_is_transposed ? micro_kernels<T, true> : micro_kernels<T, false>;
  alignas(vec_bytes) T tile[tile_rows * panel_width<T>];
  for (Index i0 = 0; i0 < block.m; i0 += row_block) {
    for (Index j = 0; j < block.n; j += panel_width<T>) {
      const Index columns = std::min(panel_width<T>, block.n - j);
      const T* const panel = block.b + j / panel_width<T> * block.b_stride;
      const T* const bias = block.bias == nullptr ? nullptr : block.bias + j;
      const Index end = std::min(i0 + row_block, block.m);
      for (Index i = i0; i < end; i += tile_rows) {
        const Index rows = std::min(tile_rows, end - i);
        const T* const a = block.a + (block.a_is_transposed ? i : i * block.a_stride);
        T* const c = block.c + i * block.c_row + j * block.c_column;
        if (block.accumulate) {
          for (Index r = 0; r < rows; ++r) __builtin_prefetch(c + r * block.c_row, 1);
        }
        kernels[static_cast<std::size_t>(rows - 1)](block.k, a, block.a_stride, panel, tile);
        if (columns == panel_width<T> && block.c_column == 1) {
          store_full(tile, rows, block, c, bias);
        } else {
          store_partial(tile, rows, columns, block, c, bias);
        }
      }
    }
  }
}

template void copy_matrix(Index, Index, const float*, Index, Index, float*, Index);
template void copy_matrix(Index, Index, const double*, Index, Index, double*, Index);
template void pack_panel(Index, Index, const float*, Index, Index, float*);
template void pack_panel(Index, Index, const double*, Index, Index, double*);
template void multiply(const GemmBlock<float>&);
template void multiply(const GemmBlock<double>&);

}  // namespace metron::METRON_ISA
