// Loads a thread's chunks of an operand tile from global memory into registers, then into shared memory.
//
// Tiles are stored in shared memory with the outer axis contiguous, whatever the layout in global memory, so
// that a thread reads adjacent outer elements with one instruction. Rows are padded by sixteen bytes, and
// deeper tiles have an extra gap after every eight rows, to avoid bank conflicts when a warp stores along k.
//
// A chunk is the unit of a load: sixteen bytes along k or along the outer axis. If the operand is unaligned
// or has no axis of stride 1, it is one element, with adjacent threads along the axis of smaller stride. A
// chunk is never partially out of bounds: operands whose size is not a multiple of sixteen bytes use single
// elements.
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

  // Loads rows (columns) from `first` on, of which `extent` are valid, starting at `k`.
  __device__ __forceinline__ TileLoader(const Operand<T>& operand, std::int64_t batch, std::int64_t first,
                                        std::int64_t extent, std::int64_t k)
      : operand_(operand) {
    const int thread = static_cast<int>(threadIdx.x);
    const int run = (operand_.k_major ? depth : outer) / width;  // chunks along the axis of stride 1
    const int along = thread % run * width;
    int across = thread / run;
    if (is_flat && !operand_.k_major) across = across / 8 * 8 + across % 2 * 4 + across % 8 / 2;
    const int jump = threads / run;  // between consecutive chunks of this thread, across
    outer_ = operand_.k_major ? across : along;
    k_ = operand_.k_major ? along : across;
    outer_jump_ = operand_.k_major ? jump : 0;
    k_jump_ = operand_.k_major ? 0 : jump;
    if (!is_idle()) {
#pragma unroll
      for (int j = 0; j < chunks; ++j) exists_ |= first + outer_ + j * outer_jump_ < extent ? 1u << j : 0u;
    }
    pointer_ = operand.data + operand.offset(batch, first + outer_, k + k_);
    jump_ = outer_jump_ * operand.outer + k_jump_ * operand.k;
  }

  // The first tile, which may be partial: `count` valid elements along k, zero-padded.
  __device__ __forceinline__ void load_first(int count) {
    unsigned within = 0;
#pragma unroll
    for (int j = 0; j < chunks; ++j) within |= k_ + j * k_jump_ < count ? 1u << j : 0u;
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
    for (int j = 0; j < chunks; ++j) {
      Acc* const to = tile + Shared::at(k_ + j * k_jump_, outer_ + j * outer_jump_);
      const Chunk chunk = std::bit_cast<Chunk>(chunks_[j]);
      if (width == 1) {
        *to = functor::convert<Acc>(chunk.values[0]);
      } else if (operand_.k_major) {
#pragma unroll
        for (int i = 0; i < width; ++i) to[i * Shared::stride] = functor::convert<Acc>(chunk.values[i]);
      } else {
        constexpr int run = width < Shared::width ? width : Shared::width;
        static_assert(width <= 2 * run);
        // Every other group of four threads stores its two runs in reverse order to avoid bank conflicts.
        const bool swapped = width > run && !is_flat && (threadIdx.x & 4u) != 0;
#pragma unroll
        for (int i = 0; i < width; i += run) {
          Pack<Acc, run> pack;
#pragma unroll
          for (int l = 0; l < run; ++l) {
            const T value = swapped ? chunk.values[width - run - i + l] : chunk.values[i + l];
            pack.values[l] = functor::convert<Acc>(value);
          }
          store_pack(to + (swapped ? width - run - i : i), pack);
        }
      }
    }
  }

 private:
  static constexpr int width = vectors ? 16 / static_cast<int>(sizeof(T)) : 1;
  using Chunk = Pack<T, width>;
  // Kept packed in registers: unpacked 16-bit elements would take a register each.
  using Raw = Packed<sizeof(Chunk)>;
  // A warp then stores rows k and k + 4 together, which avoids bank conflicts.
  static constexpr bool is_flat = outer < warp_size;
  static constexpr int all = outer * depth / width;  // chunks per tile
  static constexpr int chunks = (all + threads - 1) / threads;
  static_assert(all % threads == 0 || all < threads);
  static_assert(width <= 8 && outer % width == 0 && depth % width == 0);

  // A tile may have fewer chunks than the block has threads.
  __device__ static bool is_idle() { return all < threads && static_cast<int>(threadIdx.x) >= all; }

  __device__ __forceinline__ void load(unsigned which) {
    const T* from = pointer_;
#pragma unroll
    for (int j = 0; j < chunks; ++j) {
      if ((which >> j & 1) != 0) {
        chunks_[j] = *reinterpret_cast<const Raw*>(from);
      } else {
        chunks_[j] = Raw{};
      }
      from += jump_;
    }
  }

  const Operand<T>& operand_;  // in constant memory, so reads from it take no registers
  int outer_, k_, outer_jump_, k_jump_;
  unsigned exists_ = 0;  // bit j: the rows of chunk j are in bounds
  const T* pointer_;
  std::int64_t jump_;
  Raw chunks_[chunks];
};

}  // namespace metron::cuda
