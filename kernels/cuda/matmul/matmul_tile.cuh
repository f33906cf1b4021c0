// y = a @ b by tiles: a block computes a tile of y, iterating over k.
//
// The warps of a block partition the tile; each thread accumulates thread_rows x thread_columns results in
// registers. At each step, tiles of a and b of depth `depth` are in shared memory. For each k a thread reads
// thread_rows + thread_columns elements, sixteen bytes at a time, and computes their outer product. Meanwhile
// the next tiles are prefetched from global memory into registers, then stored to the other of two buffers:
// one barrier per step. Chains of long sums go to global memory (chain_totals.cuh).
//
// The minimum traffic is a, b and y once. Each block reads rows x k of a and k x columns of b, so a is read n
// / columns times and b m / rows times, mostly from L2 (see BlockGrid). Compute-bound for large m, n and k.
//
// | tile     | per thread  | threads | registers | shared KiB (16 bit) | blocks per multiprocessor  |
// | 128 x 128 | 8 x 8      | 256     | 128       | 18 (33)             | 2 (sm_75 in 16 bit: 1)     |
// | with chains | 8 x 8    | 256     | up to 255 | 18 (33)             | 1                          |
// | 64 x 64   | 8 x 4      | 128     | 128       | 9 (17)              | 4 (3)                      |
// | 16 x 128  | 4 x 4      | 128     | 128       | 9.5 (19)            | 4 (3)                      |
// | 64 x 64, float64 | 4 x 4 | 256   | 128       | 16.5                | 2                          |
// This is 16 warps per multiprocessor: half the limit of sm_75, a third of sm_86, 89 and 120, a quarter of
// sm_80, 90 and 100. Accumulators in registers are worth more than occupancy here: each thread has 32 to 64
// independent multiply-adds to hide latency. Measured in the emulator, aligned operands take the minimum
// number of sectors and are free of bank conflicts. Unaligned operands take up to a quarter more sectors,
// where a row starts within one, and K-major 16-bit operands are stored with 2-way bank conflicts.
#pragma once

#include <metron/kernels/cuda/chain_totals.cuh>
#include <metron/kernels/cuda/matmul/matmul_load.cuh>
#include <metron/kernels/cuda/matmul/matmul_store.cuh>

namespace metron::cuda {

template <typename T_, int rows_, int columns_, int thread_rows_, int thread_columns_, int resident_,
          bool vectors_>
struct Tile {
  using T = T_;
  using Acc = Real<T>;
  static constexpr int rows = rows_, columns = columns_;
  static constexpr int thread_rows = thread_rows_, thread_columns = thread_columns_;
  static constexpr int depth = tile_depth<T>;
  static constexpr int unroll =
      vectors_ ? depth : 1;  // of the loop over a tile's depth: limited by registers
  static constexpr int width = 16 / static_cast<int>(sizeof(Acc));  // elements per load from shared memory
  static constexpr int warp_rows = lane_rows * thread_rows, warp_columns = lane_columns * thread_columns;
  static constexpr int warps_across = columns / warp_columns;
  static constexpr int warps = rows / warp_rows * warps_across;
  static constexpr int threads = warps * warp_size;
  static constexpr int resident = resident_;  // minimum blocks per multiprocessor

  static constexpr int patch_rows = lane_rows * width, patch_columns = lane_columns * width;
  static constexpr int stage_stride = patch_columns + width;
  static constexpr int stage_size = patch_rows * stage_stride;  // per warp

  using LoadA = TileLoader<T, rows, depth, threads, vectors_>;
  using LoadB = TileLoader<T, columns, depth, threads, vectors_>;
  static constexpr int buffer_size = LoadA::Shared::size + LoadB::Shared::size;
  static constexpr int shared_size =
      2 * buffer_size > warps* stage_size ? 2 * buffer_size : warps* stage_size;
};

// The multiply-adds of one step; a and b are its tiles.
template <typename Tile>
__device__ __forceinline__ void multiply_tiles(
    const typename Tile::Acc* a, const typename Tile::Acc* b,
    typename Tile::Acc (&sums)[Tile::thread_rows][Tile::thread_columns]) {
  using Acc = typename Tile::Acc;
  using Fragment = Pack<Acc, Tile::width>;
  const ThreadCoordinates<Tile> thread;
#pragma unroll Tile::unroll
  for (int k = 0; k < Tile::depth; ++k) {
    Fragment left[Tile::thread_rows / Tile::width], right[Tile::thread_columns / Tile::width];
#pragma unroll
    for (int i = 0; i < Tile::thread_rows; i += Tile::width)
      left[i / Tile::width] = load_pack<Tile::width>(a + Tile::LoadA::Shared::at(k, thread.row_of(i)));
#pragma unroll
    for (int j = 0; j < Tile::thread_columns; j += Tile::width)
      right[j / Tile::width] = load_pack<Tile::width>(b + Tile::LoadB::Shared::at(k, thread.column_of(j)));
#pragma unroll
    for (int i = 0; i < Tile::thread_rows; ++i) {
#pragma unroll
      for (int j = 0; j < Tile::thread_columns; ++j)
        sums[i][j] +=
            left[i / Tile::width].values[i % Tile::width] * right[j / Tile::width].values[j % Tile::width];
    }
  }
}

// If `has_long_sums`, chains end in totals. A large tile then has a multiprocessor of its own: the code that
// ends them does not fit into the registers of two.
template <typename Tile, typename Out, bool has_long_sums>
__global__ void __launch_bounds__(Tile::threads, (has_long_sums && Tile::rows == 128) ? 1 : Tile::resident)
    tile_product_kernel(const Product<typename Tile::T, Out> p, const BlockGrid grid,
                        typename Tile::Acc* totals) {
  using Acc = typename Tile::Acc;
  alignas(16) __shared__ Acc shared[Tile::shared_size];
  const BlockGrid::Coordinates block = grid.coordinates(blockIdx.x);
  const std::int64_t row = static_cast<std::int64_t>(block.row) * Tile::rows;
  const std::int64_t column = static_cast<std::int64_t>(block.column) * Tile::columns;
  const std::int64_t k = block.split * grid.split_depth;
  const std::int64_t depth = p.size.k - k < grid.split_depth ? p.size.k - k : grid.split_depth;
  int steps = static_cast<int>((depth - 1) / Tile::depth);  // full tiles; the first tile takes the remainder
  const int first = static_cast<int>(depth - static_cast<std::int64_t>(steps) * Tile::depth);

  constexpr int chain_steps = static_cast<int>(chain_length) / Tile::depth;
  const int first_end = has_long_sums ? steps / chain_steps * chain_steps : 0;  // of a chain; 0: uncut

  typename Tile::LoadA load_a(p.a, block.batch, row, p.size.m, k);
  typename Tile::LoadB load_b(p.b, block.batch, column, p.size.n, k);
  load_a.load_first(first);
  load_b.load_first(first);
  Acc sums[Tile::thread_rows][Tile::thread_columns];
  start_sums<Tile>(p.bias, row, column, p.size.m, p.size.n, sums);
  Acc* buffer = shared;
  load_a.store(buffer);
  load_b.store(buffer + Tile::LoadA::Shared::size);
  __syncthreads();
  for (; steps > 0; --steps) {
    load_a.load_next();
    load_b.load_next();
    multiply_tiles<Tile>(buffer, buffer + Tile::LoadA::Shared::size, sums);
    if constexpr (has_long_sums) {
      if (steps % chain_steps == 0) end_chain<Tile::threads>(totals, steps == first_end, sums);
    }
    buffer = buffer == shared ? shared + Tile::buffer_size : shared;
    load_a.store(buffer);
    load_b.store(buffer + Tile::LoadA::Shared::size);
    __syncthreads();
  }
  multiply_tiles<Tile>(buffer, buffer + Tile::LoadA::Shared::size, sums);
  if (has_long_sums && first_end > 0) add_totals<Tile::threads>(totals, sums);

  Out* const y = p.y.data + p.y.offset(block.batch, block.split, row, column);
  const int rows = static_cast<int>(p.size.m - row < Tile::rows ? p.size.m - row : Tile::rows);
  const int columns = static_cast<int>(p.size.n - column < Tile::columns ? p.size.n - column : Tile::columns);
  if (p.y.vectors) {
    store_vectors<Tile>(p.y, y, rows, columns, p.relu, sums);
  } else {
    __syncthreads();  // the last tiles were read
    Acc* const stage = shared + static_cast<int>(threadIdx.x) / warp_size * Tile::stage_size;
    store_patches<Tile>(p.y, y, rows, columns, p.relu, sums, stage);
  }
}

}  // namespace metron::cuda
