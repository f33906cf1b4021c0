// fill and copy, for any strides; copy also converts between any two dtypes. Work is mapped as in map.cuh;
// both are memory-bound.
//
// Where x and y are dense along different dimensions, a block transposes a 32 x 32 tile through shared
// memory, so that loads and stores are both coalesced. Each 32-byte sector moves once instead of up to eight
// times. Rows of the tile are padded by one element to avoid bank conflicts on columns.
#include <metron/kernels/arithmetic.h>
#include <metron/kernels/cuda/cuda_kernels.h>

#include <metron/kernels/cuda/map.cuh>

namespace metron::cuda {
namespace {

template <typename T>
struct Constant {
  T value;
  METRON_HOST_DEVICE T operator()() const { return value; }
};

template <typename To>
struct Convert {
  template <typename From>
  METRON_HOST_DEVICE To operator()(From x) const {
    return functor::convert<To>(x);
  }
};

constexpr int tile = 32;
constexpr int tile_rows = 8;  // rows of threads per block
constexpr std::int64_t min_tiled_size = 16;

// Operands of `tiles`: y, x, the index along dimension 0 (of size `rows`), and the index along x's dense
// dimension (of size `columns`).
template <typename Bits>
__global__ void __launch_bounds__(tile* tile_rows)
    transpose_kernel(const __grid_constant__ NestIndex<4> tiles, std::int32_t rows, std::int32_t columns,
                     std::int32_t x_stride, std::int32_t y_stride, Bits* y, const Bits* x) {
  // At least 4 bytes, so that no two lanes share a bank.
  using Slot = std::conditional_t<sizeof(Bits) < 4, std::uint32_t, Bits>;
  __shared__ Slot square[tile][tile + 1];
  std::int32_t at[4];
  tiles.offsets(blockIdx.x, at);
  const int lane = static_cast<int>(threadIdx.x), first = static_cast<int>(threadIdx.y);
  for (int row = first; row < tile; row += tile_rows)
    if (at[2] + row < rows && at[3] + lane < columns) square[row][lane] = x[at[1] + row * x_stride + lane];
  __syncthreads();
  for (int column = first; column < tile; column += tile_rows)
    if (at[3] + column < columns && at[2] + lane < rows)
      y[at[0] + column * y_stride + lane] = static_cast<Bits>(square[lane][column]);
}

template <typename Bits>
void copy_bits(Device device, const LoopNest& nest, Bits* y, const Bits* x) {
  const std::size_t d = transposed_dimension(nest);
  if (d == 0 || std::min(nest.sizes[0], nest.sizes[d]) < min_tiled_size)
    return map("copy", device, nest, Convert<Bits>{}, Convert<Bits>{}, y, x);
  for_each_part(nest, 2, [&](const LoopNest& part, const PartOffsets& offsets) {
    const LoopNest tiles = tiles_of(part, d, tile);
    launch("copy", device, {static_cast<unsigned>(tiles.numel), dim3(tile, tile_rows), 0},
           transpose_kernel<Bits>, NestIndex<4>(tiles), static_cast<std::int32_t>(part.sizes[0]),
           static_cast<std::int32_t>(part.sizes[d]), static_cast<std::int32_t>(part.strides[0][1]),
           static_cast<std::int32_t>(part.strides[d][0]), y + offsets[0], x + offsets[1]);
  });
}

}  // namespace

bool fill(double value, Tensor& y) {
  const LoopNest nest = loop_nest({&y});
  visit_any_dtype(y.dtype(), [&]<typename T>() {
    visit_bits(y.dtype(), [&]<typename Bits>() {
      if constexpr (sizeof(T) == sizeof(Bits)) {
        const Constant<Bits> constant{std::bit_cast<Bits>(functor::convert<T>(value))};
        map("fill", y.device(), nest, constant, constant, static_cast<Bits*>(y.raw_mutable_data()));
      }
    });
  });
  return true;
}

bool copy(const Tensor& x, Tensor& y) {
  const LoopNest nest = loop_nest({&y, &x});
  if (x.dtype() == y.dtype()) {
    visit_bits(y.dtype(), [&]<typename Bits>() {
      copy_bits(y.device(), nest, static_cast<Bits*>(y.raw_mutable_data()),
                static_cast<const Bits*>(x.raw_data()));
    });
    return true;
  }
  visit_any_dtype(y.dtype(), [&]<typename To>() {
    visit_any_dtype(x.dtype(), [&]<typename From>() {
      if constexpr (!std::is_same_v<To, From>)
        map("copy", y.device(), nest, Convert<To>{}, Convert<To>{}, y.mutable_data<To>(), x.data<From>());
    });
  });
  return true;
}

}  // namespace metron::cuda
