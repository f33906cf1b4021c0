// A thread's share of a tile of an operand: from global memory to registers, from there to shared memory.
//
// In shared memory a tile lies k by k, whatever its layout in global memory, so that a thread reads a run
// along the outer axis with one instruction. Rows are sixteen bytes longer than the tile, and every eight of
// them are followed by a gap where a tile is deeper: then the threads of a warp that store along k meet no
// bank twice.
//
// A piece is what a thread loads at once: sixteen bytes along k or along the outer axis, or, where an operand
// is not aligned or has no axis of stride 1, one element, neighbouring threads taking neighbours along the
// axis of the smaller stride. Pieces lie within the operand or without: where its size is not a multiple of
// sixteen bytes, single elements are loaded.
#pragma once

#include <metron/kernels/arithmetic.h>
#include <metron/kernels/cuda/matmul/matmul_product.h>

#include <bit>
#include <cstdint>
#include <metron/kernels/cuda/pack.cuh>

namespace metron::cuda {

template <typename Acc, int outer, int depth>
struct SharedTile {
  static constexpr int width = 16 / static_cast<int>(sizeof(Acc));
  static constexpr int stride = outer + width;
  static constexpr int gap = depth > 8 ? 16 : 0;
  static constexpr int size = depth * stride + (depth - 1) / 8 * gap;
  __device__ static int at(int k, int o) { return k * stride + k / 8 * gap + o; }
};

template <typename T, int outer, int depth, int threads, bool vectors>
class TileLoader {
 public:
  using Acc = Real<T>;
  using Shared = SharedTile<Acc, outer, depth>;

  // Of the rows (columns) from `first` on, of which `extent` exist, starting at `k`.
  __device__ __forceinline__ TileLoader(const Operand<T>& operand, std::int64_t batch, std::int64_t first,
                                        std::int64_t extent, std::int64_t k)
      : operand_(operand) {
    const int thread = static_cast<int>(threadIdx.x);
    const int run = (operand_.along_k ? depth : outer) / width;  // pieces along the axis of stride 1
    const int along = thread % run * width;
    int across = thread / run;
    if (is_flat && !operand_.along_k) across = across / 8 * 8 + across % 2 * 4 + across % 8 / 2;
    const int jump = threads / run;  // from a piece of this thread to its next, across
    outer_ = operand_.along_k ? across : along;
    k_ = operand_.along_k ? along : across;
    outer_jump_ = operand_.along_k ? jump : 0;
    k_jump_ = operand_.along_k ? 0 : jump;
    if (!is_idle()) {
#pragma unroll
      for (int j = 0; j < pieces; ++j) exists_ |= first + outer_ + j * outer_jump_ < extent ? 1u << j : 0u;
    }
    pointer_ = operand.data + operand.offset(batch, first + outer_, k + k_);
    jump_ = outer_jump_ * operand.outer + k_jump_ * operand.k;
  }

  // The first tile, which is the one that may not be whole: `count` elements along k, zeros for the rest.
  __device__ __forceinline__ void load_first(int count) {
    unsigned within = 0;
#pragma unroll
    for (int j = 0; j < pieces; ++j) within |= k_ + j * k_jump_ < count ? 1u << j : 0u;
    load(exists_ & within);
    pointer_ += count * operand_.k;
  }
  __device__ __forceinline__ void load_next() {
    load(exists_);
    pointer_ = reinterpret_cast<const T*>(reinterpret_cast<const char*>(pointer_) + operand_.step);
  }

  __device__ __forceinline__ void store(Acc* tile) const {
    if (is_idle()) return;
#pragma unroll
    for (int j = 0; j < pieces; ++j) {
      Acc* const to = tile + Shared::at(k_ + j * k_jump_, outer_ + j * outer_jump_);
      const Piece piece = std::bit_cast<Piece>(pieces_[j]);
      if (width == 1) {
        *to = functor::convert<Acc>(piece.values[0]);
      } else if (operand_.along_k) {
#pragma unroll
        for (int i = 0; i < width; ++i) to[i * Shared::stride] = functor::convert<Acc>(piece.values[i]);
      } else {
        constexpr int run = width < Shared::width ? width : Shared::width;
        static_assert(width <= 2 * run);
        // Of two runs every other four threads store the second one first: else threads would meet in a bank.
        const bool swapped = width > run && !is_flat && (threadIdx.x & 4u) != 0;
#pragma unroll
        for (int i = 0; i < width; i += run) {
          Pack<Acc, run> pack;
#pragma unroll
          for (int l = 0; l < run; ++l) {
            const T value = swapped ? piece.values[width - run - i + l] : piece.values[i + l];
            pack.values[l] = functor::convert<Acc>(value);
          }
          store_pack(to + (swapped ? width - run - i : i), pack);
        }
      }
    }
  }

 private:
  static constexpr int width = vectors ? 16 / static_cast<int>(sizeof(T)) : 1;
  using Piece = Pack<T, width>;
  // As it waits in registers: 16-bit elements would take a register each.
  using Held = Packed<sizeof(Piece)>;
  // So that threads which store together have more than one k: these are k and k + 4, which share no bank.
  static constexpr bool is_flat = outer < warp_size;
  static constexpr int all = outer * depth / width;  // pieces of the tile
  static constexpr int pieces = (all + threads - 1) / threads;
  static_assert(all % threads == 0 || all < threads);
  static_assert(width <= 8 && outer % width == 0 && depth % width == 0);

  // A tile may have fewer pieces than the block has threads.
  __device__ static bool is_idle() { return all < threads && static_cast<int>(threadIdx.x) >= all; }

  __device__ __forceinline__ void load(unsigned which) {
    const T* from = pointer_;
#pragma unroll
    for (int j = 0; j < pieces; ++j) {
      if ((which >> j & 1) != 0) {
        pieces_[j] = *reinterpret_cast<const Held*>(from);
      } else {
        pieces_[j] = Held{};
      }
      from += jump_;
    }
  }

  const Operand<T>& operand_;  // in constant memory: what is read from there takes no register
  int outer_, k_, outer_jump_, k_jump_;
  unsigned exists_ = 0;  // bit j: the rows of piece j do
  const T* pointer_;
  std::int64_t jump_;
  Held pieces_[pieces];
};

}  // namespace metron::cuda
