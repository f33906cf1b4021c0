// Measures the overhead of recording: medians over an empty op, an empty kernel and an empty memory event.
#include <metron/core/profiler/internal/state.h>
#include <metron/core/timer/clock.h>
#include <metron/core/timer/scopes.h>

#include <algorithm>
#include <mutex>

namespace metron {
namespace {

constexpr std::size_t repetitions = 400;

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

// Redirects recording to a temporary recorder for a scope.
class ScratchRecorder {
 public:
  explicit ScratchRecorder(const detail::RangeHooks& ranges)
      : previous_(detail::active_instruments.fetch_or(instrument_timer)) {
    const std::lock_guard lock(detail::recorder_lock);
    recorder_.ranges = ranges;
    recorder_.thread = detail::this_thread_number();
    recorder_.begin_recording();
  }
  ~ScratchRecorder() {
    const std::lock_guard lock(detail::recorder_lock);
    recorder_.end_recording(true);
    if ((previous_ & instrument_timer) == 0) detail::active_instruments.fetch_and(~instrument_timer);
  }
  ScratchRecorder(const ScratchRecorder&) = delete;
  ScratchRecorder& operator=(const ScratchRecorder&) = delete;
  const std::vector<Record>& records() const { return recorder_.profile.records; }

 private:
  std::uint32_t previous_;
  detail::Recorder recorder_;
};

void empty_kernel() {
  static const Shape image{64, 32, 26, 26}, weight{64, 32, 3, 3};
  KernelTimer timer("cost", Device());
  timer.stop();
  Signature signature;
  signature.add(image, DType::float32);
  signature.add(weight, DType::float32);
  signature.add(image, DType::float32);
  timer.finish("cost", signature, 0, 0);
}

}  // namespace

void detail::prepare_device_clocks(Recorder& recorder, bool& measured) {
  Profile& profile = recorder.profile;
  for (std::size_t type = 0; type < Device::type_count; ++type) {
    DeviceClock* const clock = device_clock(static_cast<Device::Type>(type));
    if (clock == nullptr) continue;
    if (clock->runs_short()) recorder.resolve_completed();
    clock->prepare();
    if (measured) continue;
    const ClockCost found = clock->measure();
    if (found.ns < 0) continue;
    profile.cost.device_ns = found.ns;
    profile.cost.device_noise_ns = found.noise_ns;
    profile.cost.events_ns = found.host_ns;
    measured = true;
  }
}

void detail::settle_devices() {
  for (std::size_t type = 0; type < Device::type_count; ++type)
    if (DeviceClock* const clock = device_clock(static_cast<Device::Type>(type)); clock != nullptr)
      clock->settle();
}

TimerCost detail::measure_timer_cost(const RangeHooks& ranges) {
  std::vector<double> op(repetitions), kernel(repetitions), memory(repetitions);
  std::vector<double> op_inside, kernel_inside;
  {
    const ScratchRecorder scratch(ranges);
    for (std::size_t i = 0; i < repetitions; ++i) {
      const std::int64_t start = steady_now_ns();
      { const OpScope scope("cost"); }
      const std::int64_t after_op = steady_now_ns();
      empty_kernel();
      const std::int64_t after_kernel = steady_now_ns();
      detail::record_memory(Device(), 0, 0);
      const std::int64_t after_memory = steady_now_ns();
      op[i] = static_cast<double>(after_op - start);
      kernel[i] = static_cast<double>(after_kernel - after_op);
      memory[i] = static_cast<double>(after_memory - after_kernel);
    }
    for (const Record& record : scratch.records())
      (record.kind == RecordKind::op ? op_inside : kernel_inside)
          .push_back(static_cast<double>(record.end - record.start));
  }
  TimerCost cost;
  cost.op_inside_ns = quantile(op_inside, 0.5);
  cost.kernel_inside_ns = quantile(kernel_inside, 0.5);
  // Each difference includes one clock read of this loop, which takes about as long as an empty op.
  cost.op_ns = std::max(quantile(op, 0.5) - cost.op_inside_ns, cost.op_inside_ns);
  cost.kernel_ns = std::max(quantile(kernel, 0.5) - cost.op_inside_ns, cost.kernel_inside_ns);
  cost.memory_ns = std::max(quantile(memory, 0.5) - cost.op_inside_ns, 0.0);
  cost.noise_ns = quantile(op_inside, 0.95);
  return cost;
}

}  // namespace metron
