// The pixels of a weight gradient in shares: blocks sum them up apart, one kernel adds the sums in order. The
// result is the same each time, and on each device.
//
// A thread adds one weight of all shares, lanes neighbouring weights. Reads every share once, which is the
// least; bound by memory.
#include <metron/kernels/cuda/conv/convolution.h>
#include <metron/kernels/cuda/launch.h>

#include <algorithm>

namespace metron::cuda {
namespace {

constexpr int threads = 256;

template <typename T>
__global__ void __launch_bounds__(threads)
    add_shares_kernel(const T* partial, int shares, int size, Divisor row_stride, int columns, int depth,
                      T* gw, T* gb) {
  const int i = static_cast<int>(blockIdx.x) * threads + static_cast<int>(threadIdx.x);
  const int row = row_stride.quotient(i);
  const int column = i - row * row_stride.value();
  if (i >= size || column >= columns) return;
  T sum = 0;
#pragma unroll 8
  for (int share = 0; share < shares; ++share) sum += partial[std::int64_t{share} * size + i];
  if (column < depth) {
    gw[std::int64_t{row} * depth + column] = sum;
  } else {
    gb[row] = sum;
  }
}

}  // namespace

Shares shares_of(std::int64_t pixels, std::int64_t unit, std::int64_t blocks, std::int64_t bytes) {
  constexpr std::int64_t wanted_blocks = 256;
  constexpr std::int64_t units_per_share = 16;  // at least
  constexpr std::int64_t most_bytes = std::int64_t{64} << 20;
  const std::int64_t units = ceil_div(pixels, unit);
  const std::int64_t most = std::min(units / units_per_share, most_bytes / std::max<std::int64_t>(bytes, 1));
  const std::int64_t wanted = std::max<std::int64_t>(std::min(wanted_blocks / blocks, most), 1);
  const std::int64_t share = std::max<std::int64_t>(ceil_div(units, wanted), 1) * unit;
  return {static_cast<int>(std::max<std::int64_t>(ceil_div(pixels, share), 1)), static_cast<int>(share)};
}

template <typename T>
void add_shares(Device device, const WeightGradient<T>& gradient, const Shares& shares, const T* partial,
                T* gw, T* gb) {
  const int size = static_cast<int>(gradient.size());
  launch("conv2d_backward_weight", device, {static_cast<unsigned>(ceil_div(size, threads)), threads},
         add_shares_kernel<T>, partial, shares.count, size, Divisor(gradient.row_stride), gradient.columns(),
         gradient.image.depth, gw, gb);
}

template void add_shares(Device, const WeightGradient<float>&, const Shares&, const float*, float*, float*);
template void add_shares(Device, const WeightGradient<double>&, const Shares&, const double*, double*,
                         double*);

}  // namespace metron::cuda
