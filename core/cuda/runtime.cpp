#include <metron/core/cuda/runtime.h>
#include <metron/core/cuda/state.h>
#include <metron/core/switches.h>
#include <metron/core/timer/scopes.h>

#include <algorithm>
#include <string_view>

namespace metron::cuda {
namespace {

// The path from the project's source folder on.
std::string_view short_path(std::string_view path) {
  const std::size_t found = std::max(path.rfind("/core/") + 1, path.rfind("/kernels/") + 1);
  return path.substr(found);
}

}  // namespace

void failed(cudaError_t status, const char* expression, const std::source_location& where) {
  static_cast<void>(cudaGetLastError());  // clears a non-sticky error
  if (status == cudaErrorMemoryAllocation)
    fail<OutOfMemoryError>("cuda", expression, ": ", cudaGetErrorString(status));
  fail<CudaError>(
      "cuda", expression, " failed: ", cudaGetErrorString(status), " (", cudaGetErrorName(status), "), at ",
      short_path(where.file_name()), ':', where.line(),
      is_synchronous() ? "" : "; it may come from an earlier kernel: METRON_CUDA_SYNC=1 names it");
}

DeviceGuard::DeviceGuard(int index) {
  METRON_CUDA(cudaGetDevice(&previous_));
  if (previous_ == index) return;
  METRON_CUDA(cudaSetDevice(index));
  changed_ = true;
}
DeviceGuard::~DeviceGuard() {
  if (changed_) static_cast<void>(cudaSetDevice(previous_));
}

bool is_synchronous() {
  static const bool value = detail::is_switched_on("METRON_CUDA_SYNC");
  return value;
}

cudaStream_t stream(int index) { return state(index).stream; }
FaultRecord* fault_record(int index) { return state(index).faults.record(); }
int multiprocessors(int index) { return state(index).multiprocessors; }

void synchronize(int index, const char* what) {
  DeviceState& device = state(index);
  const DeviceGuard guard(index);
  const WaitScope waiting(Device(Device::Type::cuda, index));
  if (!device.faults.synchronize(what)) check(cudaStreamSynchronize(device.stream), what);
}

cudaError_t query(cudaEvent_t event) {
  const cudaError_t status = cudaEventQuery(event);
  if (status == cudaErrorNotReady) static_cast<void>(cudaGetLastError());
  return status;
}

int device_count() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

DeviceProperties properties(int index) {
  cudaDeviceProp device{};
  METRON_CUDA(cudaGetDeviceProperties(&device, index));
  DeviceProperties result{
      device.name, device.major, device.minor, device.multiProcessorCount, device.totalGlobalMem, 0, 0, 0};
  // As attributes: CUDA 13 has no clocks in cudaDeviceProp.
  METRON_CUDA(cudaDeviceGetAttribute(&result.clock_khz, cudaDevAttrClockRate, index));
  METRON_CUDA(cudaDeviceGetAttribute(&result.memory_clock_khz, cudaDevAttrMemoryClockRate, index));
  METRON_CUDA(cudaDeviceGetAttribute(&result.memory_bus_bits, cudaDevAttrGlobalMemoryBusWidth, index));
  return result;
}

}  // namespace metron::cuda
