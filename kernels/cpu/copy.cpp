// Fill, and copies between any layouts and dtypes.
#include <metron/kernels/arithmetic.h>
#include <metron/kernels/cpu/cpu_kernels.h>
#include <metron/kernels/cpu/map.h>

#include <cstring>

namespace metron::METRON_ISA {
namespace {

void copy_bytes(const Tensor& x, Tensor& y) {
  const std::byte* const from = static_cast<const std::byte*>(x.raw_data());
  std::byte* const to = static_cast<std::byte*>(y.raw_mutable_data());
  const std::int64_t element = static_cast<std::int64_t>(size_of(y.dtype()));
  parallel_for(y.numel() * element, elementwise_grain * element, [&](std::int64_t begin, std::int64_t end) {
    std::memcpy(to + begin, from + begin, static_cast<std::size_t>(end - begin));
  });
}

// y (columns, rows) = x (rows, columns) transposed, both dense along their last axis.
template <typename T>
void transpose_tile(const T* x, std::int64_t x_stride, T* y, std::int64_t y_stride, std::int64_t rows,
                    std::int64_t columns) {
  constexpr std::int64_t block = 4;  // constant size keeps the square in registers
  std::int64_t row = 0;
  for (; row + block <= rows; row += block) {
    std::int64_t column = 0;
    for (; column + block <= columns; column += block) {
      T square[block][block];
      for (std::int64_t i = 0; i < block; ++i)
        for (std::int64_t j = 0; j < block; ++j) square[j][i] = x[(row + i) * x_stride + column + j];
      for (std::int64_t j = 0; j < block; ++j)
        for (std::int64_t i = 0; i < block; ++i) y[(column + j) * y_stride + row + i] = square[j][i];
    }
    for (; column < columns; ++column)
      for (std::int64_t i = 0; i < block; ++i)
        y[column * y_stride + row + i] = x[(row + i) * x_stride + column];
  }
  for (; row < rows; ++row)
    for (std::int64_t column = 0; column < columns; ++column)
      y[column * y_stride + row] = x[row * x_stride + column];
}

// Transposes dimensions 0 and d of the loop nest, in tiles that fit in the L1 cache.
template <typename T>
void copy_transposed(const LoopNest& nest, std::size_t d, const T* x, T* y) {
  constexpr std::int64_t tile = 32;
  const std::int64_t rows = nest.sizes[0], columns = nest.sizes[d];
  const LoopNest tiles = tiles_of(nest, d, tile);
  parallel_for(tiles.numel, elementwise_grain / (tile * tile), [&](std::int64_t begin, std::int64_t end) {
    for_each_position<4>(tiles, begin, end, [&](const auto& offsets) {
      transpose_tile(x + offsets[1], nest.strides[0][1], y + offsets[0], nest.strides[d][0],
                     std::min(tile, rows - offsets[2]), std::min(tile, columns - offsets[3]));
    });
  });
}

}  // namespace

bool fill(double value, Tensor& y) {
  const LoopNest nest = loop_nest({&y});
  std::uint64_t bits = 0;
  visit_any_dtype(y.dtype(), [&]<typename T>() {
    const T converted = functor::convert<T>(value);
    std::memcpy(&bits, &converted, sizeof converted);
  });
  visit_word(y.dtype(), [&]<typename Word>() {
    Word word;
    std::memcpy(&word, &bits, sizeof word);
    map(
        nest, [word] { return word; }, static_cast<Word*>(y.raw_mutable_data()));
  });
  return true;
}

bool copy(const Tensor& x, Tensor& y) {
  const bool same_dtype = x.dtype() == y.dtype();
  if (same_dtype && x.strides() == y.strides() && y.is_dense()) {
    copy_bytes(x, y);
    return true;
  }
  const LoopNest nest = loop_nest({&y, &x});
  const void* const from = x.raw_data();
  if (same_dtype) {
    const std::size_t d = transposed_dimension(nest);
    visit_word(y.dtype(), [&]<typename Word>() {
      const Word* const in = static_cast<const Word*>(from);
      Word* const out = static_cast<Word*>(y.raw_mutable_data());
      if (d != 0) return copy_transposed(nest, d, in, out);
      map(
          nest, [](Word word) { return word; }, out, in);
    });
    return true;
  }
  visit_any_dtype(y.dtype(), [&]<typename To>() {
    To* const to = y.mutable_data<To>();
    visit_any_dtype(x.dtype(), [&]<typename From>() {
      if constexpr (!std::is_same_v<To, From>) {
        const auto convert = [](From value) { return functor::convert<To>(value); };
        map(nest, convert, to, static_cast<const From*>(from));
      }
    });
  });
  return true;
}

}  // namespace metron::METRON_ISA
