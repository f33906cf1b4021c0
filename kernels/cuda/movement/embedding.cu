// Embedding lookup and its gradient. Out-of-range indices are reported in the fault record. The forward pass
// returns zeros for them, and the backward pass skips them.
//
// Forward: each row of the block's threads copies one row of the table, in vectors of up to sixteen bytes.
// Every referenced row is read once and y is written once: memory-bound.
//
// Backward: a block owns 32 rows of gw by 128 columns, one thread per column, and accumulates them in shared
// memory, in double, as a row may be referenced any number of times. It scans all indices, 128 at a time,
// compacts the positions that match its rows, and adds their gradients in position order. The sums are
// deterministic without a sort, and gw is written once. The minimum traffic is g and gw. On top of that, the
// index list is read (V / 32) (D / 128) times from L2: less than g and gw below about 2000 indices, the
// bottleneck above. A row referenced n times takes n steps of one block.
#include <metron/kernels/arithmetic.h>
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/cuda/floating.h>
#include <metron/kernels/cuda/launch.h>

#include <algorithm>
#include <bit>
#include <metron/kernels/cuda/faults.cuh>

namespace metron::cuda {
namespace {

constexpr int gather_threads = 256;
constexpr int sum_threads = 128;  // columns per block
constexpr int sum_rows = 32;

template <typename Unit>
__global__ void __launch_bounds__(gather_threads)
    embedding_kernel(const Unit* table, std::int64_t rows, std::int64_t units, const std::int64_t* indices,
                     std::int64_t count, Unit* y, FaultRecord* faults) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.y;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y; i < count; i += step) {
    const std::int64_t row = indices[i];
    const bool named = row >= 0 && row < rows;
    if (!named && threadIdx.x == 0) report_fault(faults, Fault::embedding_index, row, rows);
    for (std::int64_t u = threadIdx.x; u < units; u += blockDim.x)
      y[i * units + u] = named ? table[row * units + u] : Unit{};
  }
}

// The widest vector type that divides a row and both addresses.
template <typename Body>
void visit_unit(std::uintptr_t bits, const Body& body) {
  if (bits % 16 == 0) return body.template operator()<uint4>();
  if (bits % 8 == 0) return body.template operator()<uint2>();
  if (bits % 4 == 0) return body.template operator()<std::uint32_t>();
  body.template operator()<std::uint16_t>();
}

// The matches of a block's threads, in thread order.
struct Matches {
  int count;
  int rows[sum_threads];
  std::int64_t positions[sum_threads];
};

// Compacts the (row, position) pairs of all threads with a match. The block may read them until the next
// call: its first barrier separates those reads from the next writes.
__device__ inline void gather_matches(bool match, int row, std::int64_t position, int* warp_counts,
                                      Matches& matches) {
  constexpr int warps = sum_threads / warp_size;
  const unsigned lane = threadIdx.x % warp_size, warp = threadIdx.x / warp_size;
  const unsigned votes = __ballot_sync(0xffffffffu, match);
  if (lane == 0) warp_counts[warp] = __popc(votes);
  __syncthreads();
  int before = __popc(votes & ((1u << lane) - 1)), total = 0;
  for (unsigned w = 0; w < warps; ++w) {
    if (w < warp) before += warp_counts[w];
    total += warp_counts[w];
  }
  if (match) {
    matches.rows[before] = row;
    matches.positions[before] = position;
  }
  if (threadIdx.x == 0) matches.count = total;
  __syncthreads();
}

template <typename T>
__global__ void __launch_bounds__(sum_threads)
    embedding_backward_kernel(const T* g, const std::int64_t* indices, std::int64_t count, std::int64_t rows,
                              std::int64_t columns, T* gw, FaultRecord* faults) {
  __shared__ double sums[sum_rows][sum_threads];
  __shared__ Matches matches;
  __shared__ int warp_counts[sum_threads / warp_size];
  const std::int64_t first_row = std::int64_t{blockIdx.x} * sum_rows;
  const std::int64_t remaining = rows - first_row;
  const int own_rows = static_cast<int>(remaining < sum_rows ? remaining : sum_rows);
  const std::int64_t strips = (columns + sum_threads - 1) / sum_threads;
  for (std::int64_t strip = blockIdx.y; strip < strips; strip += gridDim.y) {
    const std::int64_t column = strip * sum_threads + threadIdx.x;
    for (int r = 0; r < own_rows; ++r) sums[r][threadIdx.x] = 0;
    for (std::int64_t begin = 0; begin < count; begin += sum_threads) {
      const std::int64_t position = begin + threadIdx.x;
      const bool present = position < count;
      const std::int64_t row = present ? indices[position] : -1;
      const bool match = row >= first_row && row - first_row < own_rows;
      if (present && blockIdx.x == 0 && strip == 0 && (row < 0 || row >= rows))
        report_fault(faults, Fault::embedding_index, row, rows);
      gather_matches(match, static_cast<int>(row - first_row), position, warp_counts, matches);
      if (column < columns) {
        for (int m = 0; m < matches.count; ++m)
          sums[matches.rows[m]][threadIdx.x] +=
              functor::convert<double>(g[matches.positions[m] * columns + column]);
      }
    }
    if (column < columns) {
      for (int r = 0; r < own_rows; ++r)
        gw[(first_row + r) * columns + column] = functor::convert<T>(sums[r][threadIdx.x]);
    }
  }
}

}  // namespace

bool embedding(const Tensor& w, const Tensor& indices, Tensor& y) {
  const std::int64_t row_bytes = w.size(1) * static_cast<std::int64_t>(size_of(w.dtype()));
  const std::int64_t count = indices.numel();
  if (count == 0) return true;
  const Device device = y.device();
  const void* const table = w.raw_data();
  void* const out = y.raw_mutable_data();
  const auto bits = static_cast<std::uintptr_t>(row_bytes) | std::bit_cast<std::uintptr_t>(table) |
                    std::bit_cast<std::uintptr_t>(out);
  visit_unit(bits, [&]<typename Unit>() {
    const std::int64_t units = row_bytes / static_cast<std::int64_t>(sizeof(Unit));
    launch("embedding", device, thread_rows_shape(device, count, units, gather_threads),
           embedding_kernel<Unit>, static_cast<const Unit*>(table), w.size(0), units,
           indices.data<std::int64_t>(), count, static_cast<Unit*>(out), fault_record(device.index()));
  });
  return true;
}

bool embedding_backward(const Tensor& g, const Tensor& indices, Tensor& gw) {
  const std::int64_t rows = gw.size(0), columns = gw.size(1);
  const Device device = gw.device();
  constexpr std::int64_t max_strips = 65535;
  const LaunchShape shape{
      dim3(static_cast<unsigned>(std::max<std::int64_t>(ceil_div(rows, sum_rows), 1)),
           static_cast<unsigned>(std::clamp<std::int64_t>(ceil_div(columns, sum_threads), 1, max_strips))),
      sum_threads, 0};
  return visit_floating(gw.dtype(), [&]<typename T>() {
    launch("embedding_backward", device, shape, embedding_backward_kernel<T>, g.data<T>(),
           indices.data<std::int64_t>(), indices.numel(), rows, columns, gw.mutable_data<T>(),
           fault_record(device.index()));
  });
}

}  // namespace metron::cuda
