// Wrappers of the CUDA runtime: checked calls, one stream per device, asynchronous faults. Compiles against
// the CUDA toolkit and against kernels/emulator/.
#pragma once

#include <cuda_runtime.h>
#include <metron/core/error.h>

#include <cstdint>
#include <source_location>
#include <string>

namespace metron::cuda {

// Throws a CudaError with the expression, the error of the runtime and the source location.
[[noreturn]] void failed(cudaError_t status, const char* expression, const std::source_location& where);
inline void check(cudaError_t status, const char* expression,
                  const std::source_location& where = std::source_location::current()) {
  if (status != cudaSuccess) [[unlikely]]
    failed(status, expression, where);
}
// METRON_CUDA(cudaMalloc(&block, bytes)): a macro, because a function can't see the expression.
#define METRON_CUDA(...) ::metron::cuda::check((__VA_ARGS__), #__VA_ARGS__)

// Sets the current device of the thread for a scope.
class DeviceGuard {
 public:
  explicit DeviceGuard(int index);
  ~DeviceGuard();
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  int previous_ = 0;
  bool changed_ = false;
};

// The stream of a device, on which all its work is ordered. Freed memory can therefore be reused as soon as
// its last use is enqueued. Non-blocking with respect to the legacy default stream.
cudaStream_t stream(int index);

// Waits for all enqueued work and throws its error. `what` names the work in the message.
void synchronize(int index, const char* what = "cudaStreamSynchronize(stream)");

// cudaEventQuery, but an event that is not ready leaves no error for the next check.
cudaError_t query(cudaEvent_t event);

// METRON_CUDA_SYNC=1: synchronizes after every kernel, so that an error names the op.
bool is_synchronous();

// ---- Faults: invalid values that only a kernel can detect, such as a label out of range ----

enum class Fault : std::int32_t { none, nll_loss_target, cross_entropy_target, embedding_index, decoded_row };

// In device memory. An atomic exchange of `code` keeps the first invalid value; the host reads it after
// synchronizing the stream.
struct FaultRecord {
  std::int32_t code;
  std::int32_t unused;
  std::int64_t value;
  std::int64_t limit;
};

// The record to which kernels report invalid values. The next synchronization, on any thread, throws the
// ValueError, since the op itself must not wait.
FaultRecord* fault_record(int index);

// ---- Properties ----

struct DeviceProperties {
  std::string name;
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  std::size_t memory_bytes = 0;
  int clock_khz = 0, memory_clock_khz = 0, memory_bus_bits = 0;
};
int device_count();
DeviceProperties properties(int index);
int multiprocessors(int index);  // cached for launches

}  // namespace metron::cuda
