// Scopes of ops, modules, phases and slot calls. A disabled scope costs one predictable branch.
#pragma once

#include <metron/core/timer/instruments.h>
#include <metron/core/timer/record.h>

#include <cstdint>
#include <string>

namespace metron {

namespace detail {
struct Recorder;  // core/timer/internal/recorder.h
}

// Times an op. `name` must outlive the process: a literal.
class OpScope {
 public:
  explicit OpScope(const char* name) {
    if ((instruments() & (instrument_timer | instrument_anomaly)) != 0) [[unlikely]]
      begin(name);
  }
  ~OpScope() {
    if (run_ != 0 || on_call_site_) [[unlikely]]
      end();
  }
  OpScope(const OpScope&) = delete;
  OpScope& operator=(const OpScope&) = delete;

 private:
  void begin(const char* name);
  void end();
  std::uint32_t run_ = 0;  // run id of the open record; 0: not recorded
  std::int32_t index_ = -1;
  bool on_call_site_ = false;  // core/timer/internal/call_site.h
};

// Names the module whose forward runs; an empty name adds nothing to the path.
class ModuleScope {
 public:
  explicit ModuleScope(const char* name) {
    if ((instruments() & (instrument_timer | instrument_anomaly)) != 0) [[unlikely]]
      begin(name);
  }
  explicit ModuleScope(const std::string& name) : ModuleScope(name.c_str()) {}
  ~ModuleScope() {
    if (run_ != 0 || on_call_site_) [[unlikely]]
      end();
  }
  ModuleScope(const ModuleScope&) = delete;
  ModuleScope& operator=(const ModuleScope&) = delete;

 private:
  void begin(const char* name);
  void end();
  std::uint32_t run_ = 0;  // as in OpScope
  std::uint32_t previous_ = 0;
  bool on_call_site_ = false;
  std::uint32_t path_size_ = 0;  // of the enclosing module's path
};

// The position of the running op in the profile. Autograd keeps it to attribute the backward pass to the op.
// Valid only in the profiler session that recorded it.
struct RecordPosition {
  std::uint64_t session = 0;
  std::int32_t op = -1;
  std::uint32_t module = 0;
};
RecordPosition current_position();

// Sets the phase of everything inside: backward (of the op recorded at `forward`) or optimizer.
class PhaseScope {
 public:
  explicit PhaseScope(Phase phase, const RecordPosition& forward = {});
  ~PhaseScope();  // the outermost optimizer phase may end a step
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;

 private:
  Phase previous_phase_;
  std::uint32_t run_ = 0;  // as in OpScope
  std::int32_t previous_forward_ = -1;
  std::uint32_t previous_module_ = 0;
};

// Times what waits for a device. Views count it as waiting and not as a cost of the enclosing op.
class WaitScope {
 public:
  explicit WaitScope(Device device) {
    if ((instruments() & instrument_timer) != 0) [[unlikely]]
      begin(device);
  }
  ~WaitScope() {
    if (run_ != 0) [[unlikely]]
      end();
  }
  WaitScope(const WaitScope&) = delete;
  WaitScope& operator=(const WaitScope&) = delete;

 private:
  void begin(Device device);
  void end();
  std::uint32_t run_ = 0;  // as in OpScope
  std::int32_t index_ = -1;
};

// Times one slot call or copy; used only by Slot and by backends. stop() reads the clock, finish() completes
// the record.
class KernelTimer {
 public:
  KernelTimer(const char* slot, Device device, RecordKind kind = RecordKind::kernel);
  ~KernelTimer();  // records "failed" if the kernel threw
  KernelTimer(const KernelTimer&) = delete;
  KernelTimer& operator=(const KernelTimer&) = delete;
  void stop();
  void finish(const char* provider, const Signature& signature, double bytes, double flops);

 private:
  void complete(detail::Recorder& recorder, const char* provider);
  void discard();
  std::uint32_t run_ = 0;  // 0: not recorded, or already complete
  std::int32_t index_ = -1;
  std::int64_t ticket_ = -1;  // of the device clock
  std::int64_t end_ = 0;
  Device device_;
};

}  // namespace metron
