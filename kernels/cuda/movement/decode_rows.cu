// Rows of 8-bit codes by index, each code replaced by its value in a table. Out-of-range indices are reported
// in the fault record and decoded to zeros.
//
// Each row of the block's threads decodes one row. A warp loads 32 consecutive codes, one sector, and stores
// 32 consecutive values. The table of 256 values stays in L1. Every referenced row is read once and y is
// written once: memory-bound.
#include <metron/kernels/cuda/cuda_kernels.h>
#include <metron/kernels/cuda/floating.h>
#include <metron/kernels/cuda/launch.h>

#include <metron/kernels/cuda/faults.cuh>

namespace metron::cuda {
namespace {

constexpr int decode_threads = 256;

template <typename T>
__global__ void __launch_bounds__(decode_threads)
    decode_rows_kernel(const std::uint8_t* codes, std::int64_t rows, std::int64_t columns, const T* table,
                       const std::int64_t* indices, std::int64_t count, T* y, FaultRecord* faults) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.y;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y; i < count; i += step) {
    const std::int64_t row = indices[i];
    const bool named = row >= 0 && row < rows;
    if (!named && threadIdx.x == 0) report_fault(faults, Fault::decoded_row, row, rows);
    for (std::int64_t j = threadIdx.x; j < columns; j += blockDim.x)
      y[i * columns + j] = named ? table[codes[row * columns + j]] : T{};
  }
}

}  // namespace

bool decode_rows(const Tensor& codes, const Tensor& table, const Tensor& indices, Tensor& y) {
  const std::int64_t columns = codes.size(1), count = indices.numel();
  if (count == 0) return true;
  const Device device = y.device();
  const LaunchShape shape = thread_rows_shape(device, count, columns, decode_threads);
  return visit_floating(y.dtype(), [&]<typename T>() {
    launch("decode_rows", device, shape, decode_rows_kernel<T>, codes.data<std::uint8_t>(), codes.size(0),
           columns, table.data<T>(), indices.data<std::int64_t>(), count, y.mutable_data<T>(),
           fault_record(device.index()));
  });
}

}  // namespace metron::cuda
