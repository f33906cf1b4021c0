// Cuts long sums of register tiles (kernels/internal/long_sums.h): after each chain of terms a thread adds
// its accumulators to its totals in global memory and starts again from 0.
//
// Second accumulators in registers would halve the tile. The totals of a warp are adjacent, so that accesses
// are coalesced: 8 bytes per accumulator and chain, next to 256 multiply-adds, mostly from L2.
#pragma once

#include <metron/kernels/cuda/launch.h>
#include <metron/kernels/indexing.h>
#include <metron/kernels/internal/long_sums.h>

namespace metron::cuda {

// Whether sums of type Acc are cut: those in double need not be.
template <typename Acc>
inline constexpr bool has_chains = sizeof(Acc) == sizeof(float);

// The totals of a launch; empty if no sum is longer than a chain.
template <typename Acc>
class ChainTotals {
 public:
  ChainTotals(Device device, std::int64_t terms, std::int64_t accumulators)
      : memory_(has_chains<Acc> && terms > chain_length ? accumulators : 0, dtype_of<Acc>, device) {}
  Acc* data() const { return memory_.template data<Acc>(); }

 private:
  Scratch memory_;
};

template <int threads, typename Acc, int rows, int columns>
__device__ __forceinline__ Acc* own_totals(Acc* totals, const Acc (&)[rows][columns]) {
  return totals + static_cast<std::int64_t>(blockIdx.x) * (rows * columns * threads) + threadIdx.x;
}

// Adds the sums to the thread's totals, or stores the first ones.
template <int threads, typename Acc, int rows, int columns>
__device__ __forceinline__ void end_chain(Acc* totals, bool is_first, Acc (&sums)[rows][columns]) {
  Acc* const own = own_totals<threads>(totals, sums);
#pragma unroll
  for (int i = 0; i < rows; ++i) {
#pragma unroll
    for (int j = 0; j < columns; ++j) {
      Acc& total = own[(i * columns + j) * threads];
      total = is_first ? sums[i][j] : total + sums[i][j];
      sums[i][j] = 0;
    }
  }
}

// Adds the thread's totals to the sums of the last chain.
template <int threads, typename Acc, int rows, int columns>
__device__ __forceinline__ void add_totals(Acc* totals, Acc (&sums)[rows][columns]) {
  const Acc* const own = own_totals<threads>(totals, sums);
#pragma unroll
  for (int i = 0; i < rows; ++i) {
#pragma unroll
    for (int j = 0; j < columns; ++j) sums[i][j] += own[(i * columns + j) * threads];
  }
}

}  // namespace metron::cuda
