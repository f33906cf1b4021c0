// Hooks of state.h on the emulator, which checks accesses against tensors rather than cached blocks.
#include <metron/core/cuda/state.h>
#include <metron/core/error.h>
#include <metron/core/timer/clock.h>
#include <metron/kernels/emulator/emulator.h>
#include <metron/kernels/emulator/model.h>
#include <metron/kernels/internal/data_sheet.h>

#include <cstdlib>

namespace metron::cuda {
namespace {

// Threads that a multiprocessor holds, by architecture (CUDA C++ Programming Guide, compute capabilities).
int resident_threads(const std::string& architecture) {
  if (architecture == "sm_75") return 1024;
  if (architecture == "sm_86" || architecture == "sm_89" || architecture == "sm_120") return 1536;
  return 2048;
}

emulator::DeviceModel model_of(const DataSheet& sheet) {
  emulator::DeviceModel model;
  model.name = sheet.name;
  model.multiprocessors = sheet.sms;
  model.threads_per_multiprocessor = resident_threads(sheet.architecture);
  model.clock_hz = sheet.boost_clock_mhz * 1e6;
  model.bytes_per_second = sheet.bandwidth_gb_per_s * 1e9;
  model.copy_bytes_per_second = sheet.pcie_gb_per_s * 1e9;
  model.copy_engines = sheet.copy_engines;
  model.launch_ns = model.submit_ns = sheet.launch_latency_us * 1e3;
  model.event_ns = sheet.event_cost_us * 1e3;
  model.event_resolution_ns = sheet.event_resolution_us * 1e3;
  return model;
}

}  // namespace

bool is_emulated() { return true; }

// METRON_EMULATOR_DEVICE models the device of a data sheet. Otherwise there is no clock: emulated times are
// not device times.
std::string set_up_clock() {
  const char* const device = std::getenv("METRON_EMULATOR_DEVICE");
  if (device == nullptr || *device == '\0') {
    const char* const clock = std::getenv("METRON_CLOCK");
    metron::check<ValueError>(
        clock == nullptr || *clock == '\0', "profiler", "METRON_CLOCK=", clock == nullptr ? "" : clock,
        " requires a GPU or a model (METRON_EMULATOR_DEVICE): an emulated device has no clock");
    return "";
  }
  const emulator::DeviceModel model = model_of(data_sheet(device));
  emulator::set_device_model(model);
  set_host_clock(emulator::host_now_ns);
  return "model of " + model.name;
}

void note_allocated(void* block, std::size_t bytes, cudaStream_t stream) {
  emulator::mark_allocated(block, bytes, stream);
}
void note_freed(void* block, std::size_t bytes, cudaStream_t stream) {
  emulator::mark_freed(block, bytes, stream);
}

}  // namespace metron::cuda
