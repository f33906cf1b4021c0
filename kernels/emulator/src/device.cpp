#include "device.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "findings.h"
#include "shadow.h"

namespace metron::emulator {

Device& Device::get() {
  static Device device;
  return device;
}

void Device::run(Launch& launch) {
  if (has_fault_) return;
  if (!workers_)
    workers_ = std::make_unique<Workers>(
        options.workers != 0 ? options.workers : std::max(1u, std::thread::hardware_concurrency()));
  ++launch_number_;
  launch.options = &options;
  launch.memory = &memory;
  launch.device = this;
  memory.add_registered_globals();
  launch.first_serial = take_serials(launch.blocks);
  launch.counted = statistics.choose_blocks(launch.blocks, options.counted_blocks);
  const bool only_for_model = launch.counted.empty() && timeline.is_on();
  if (only_for_model) launch.counted = Timeline::sampled_blocks(launch.blocks);
  if (launch.cooperative) {
    launch.grid_barrier.start(launch.blocks);
    Workers(static_cast<unsigned>(launch.blocks)).run(launch);
  } else {
    workers_->run(launch);
  }
  if (only_for_model) launch.counted.clear();
  statistics.add(launch);
  for (const RawFinding& finding : launch.findings.take()) add(formatted(finding, launch.kernel));
}

bool Device::has_passed(double model_ns) {
  timeline.host.note_call();
  return model_ns <= static_cast<double>(timeline.host.now());
}

void Device::wait_for(cudaStream_t stream) {
  streams.run(stream);
  if (timeline.is_on()) timeline.host.advance_to(stream->model_ns);
}

void Device::wait_for(cudaEvent_t event) {
  streams.run_to(event);
  if (timeline.is_on()) timeline.host.advance_to(event->model_ns);
}

void Device::wait_for_all() {
  streams.run_all();
  if (timeline.is_on()) timeline.host.advance_to(streams.model_ns());
}

// Serial numbers are not reused while the shadow holds records of them.
std::uint64_t Device::take_serials(std::uint64_t count) {
  if (next_serial_ + count > record::max_serial) {
    memory.reset_records();
    next_serial_ = 1;
  }
  return std::exchange(next_serial_, next_serial_ + count);
}

void Device::add(Finding finding) {
  has_fault_ |= is_fault(finding.check);
  const bool assertion =
      finding.check == Check::trap && finding.message.find("fails the assertion") != std::string::npos;
  // A program of others goes on where a GPU would.
  if (!merges_findings || is_fault(finding.check))
    fail(assertion ? cudaErrorAssert : error_of(finding.check), finding.message);
  keep(std::move(finding));
}

void Device::keep(Finding finding) {
  const auto same = [&](const Finding& f) {
    return f.check == finding.check && f.kernel == finding.kernel && f.file == finding.file &&
           f.line == finding.line;
  };
  const auto known = std::find_if(findings_.begin(), findings_.end(), same);
  if (!merges_findings || known == findings_.end()) {
    findings_.push_back(std::move(finding));
    found_in_.push_back(launch_number_);
    return;
  }
  std::uint64_t& last = found_in_[static_cast<std::size_t>(known - findings_.begin())];
  known->occurrences += finding.occurrences;
  known->read_and_written |= (known->message.find(" loads ") != std::string::npos) !=
                             (finding.message.find(" loads ") != std::string::npos);
  known->launches += last != launch_number_ ? 1 : 0;
  last = launch_number_;
}

std::vector<Finding> Device::take_findings() {
  found_in_.clear();
  return std::exchange(findings_, {});
}

bool Device::fails_allocation() {
  ++calls.memory_blocks;
  if (failing_.count == 0 || failing_.before-- > 0) return false;
  if (failing_.count > 0) --failing_.count;
  ++failing_.failed;
  return true;
}

void Device::refuse(cudaError_t error, Check check, const std::string& who, const std::string& rule) {
  Finding finding{check, who, "", 0, std::string(name(check)) + " in " + who + ": " + rule, {}, false, {}};
  explanations_[error] = finding.message;
  keep(std::move(finding));
}

void Device::fail_call(const char* call, const std::string& rule) {
  if (options.has(Check::host_call)) refuse(cudaErrorInvalidValue, Check::host_call, call, rule);
  fail(cudaErrorInvalidValue, explanation(cudaErrorInvalidValue));
}

void Device::fail(cudaError_t error, const std::string& explanation) {
  if (error_ != cudaSuccess) return;
  error_ = error;
  explanations_[error] = explanation;
}

cudaError_t Device::take_error() {
  has_fault_ = false;
  return remember(std::exchange(error_, cudaSuccess));
}

std::string Device::explanation(cudaError_t error) const {
  const auto found = explanations_.find(error);
  return found == explanations_.end() ? std::string() : found->second;
}

Options options() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  return device.options;
}

void set_options(const Options& options) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.streams.run_all();
  if (options.workers != device.options.workers) device.restart_workers();
  device.options = options;
}

std::vector<Finding> take_findings() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.streams.run_all();
  return device.take_findings();
}

void set_device_model(const DeviceModel& model) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.streams.run_all();
  device.streams.restart_model();
  device.timeline.set_model(model);
}

DeviceModel device_model() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  return device.timeline.model();
}

std::int64_t host_now_ns() { return Device::get().timeline.host.now(); }
void use_manual_host(std::int64_t call_ns) { Device::get().timeline.host.use_manual(call_ns); }
void advance_host(std::int64_t ns) { Device::get().timeline.host.advance(ns); }

void keep_modeled_work(bool keep) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.timeline.keep(keep);
}

std::vector<ModeledWork> modeled_work() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.streams.run_all();
  return device.timeline.kept();
}

std::uint64_t synchronizations() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  return device.synchronizations;
}

CallCounts call_counts() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  return device.calls;
}

std::size_t memory_in_use() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.streams.run_all();
  return device.memory.used();
}

void fail_allocations(std::int64_t before, std::int64_t count) {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  device.fail_allocations(before, count);
}

std::uint64_t failed_allocations() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  return device.failed_allocations();
}

std::uint64_t created_events() {
  Device& device = Device::get();
  const std::lock_guard lock(device.mutex);
  return device.streams.created_events();
}

}  // namespace metron::emulator
