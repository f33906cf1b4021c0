// Scopes: how ops, modules, phases and slot calls name what runs inside. Switched off each costs one
// predictable branch.
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
    if ((instruments() & instrument_timer) != 0) [[unlikely]]
      begin(name);
  }
  ~OpScope() {
    if (run_ != 0) [[unlikely]]
      end();
  }
  OpScope(const OpScope&) = delete;
  OpScope& operator=(const OpScope&) = delete;

 private:
  void begin(const char* name);
  void end();
  std::uint32_t run_ = 0;  // of the profiler, when it opened a record; 0: it did not
  std::int32_t index_ = -1;
};

// Names the module whose forward runs; an empty name adds nothing to the path.
class ModuleScope {
 public:
  explicit ModuleScope(const std::string& name) {
    if ((instruments() & instrument_timer) != 0) [[unlikely]]
      begin(name);
  }
  ~ModuleScope() {
    if (run_ != 0) [[unlikely]]
      end();
  }
  ModuleScope(const ModuleScope&) = delete;
  ModuleScope& operator=(const ModuleScope&) = delete;

 private:
  void begin(const std::string& name);
  void end();
  std::uint32_t run_ = 0;  // as in OpScope
  std::uint32_t previous_ = 0;
};

// Where the running op stands: what autograd keeps, to attribute its backward. It means something to the
// profiler that recorded it alone, which `session` tells.
struct RecordPosition {
  std::uint64_t session = 0;
  std::int32_t op = -1;
  std::uint32_t module = 0;
};
RecordPosition current_position();

// Marks what runs inside as backward (of the op recorded at `forward`) or as optimizer.
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

// Times one slot call; used by Slot alone. stop() reads the clock, finish() files the record under the
// provider's label.
class KernelTimer {
 public:
  KernelTimer(const char* slot, Device device);
  ~KernelTimer();  // files the record as failed if the kernel threw
  KernelTimer(const KernelTimer&) = delete;
  KernelTimer& operator=(const KernelTimer&) = delete;
  void stop();
  void finish(const char* provider, const Signature& signature, double bytes, double flops);

 private:
  void file(detail::Recorder& recorder, const char* provider);
  void forget();
  std::uint32_t run_ = 0;  // 0: this thread is not recorded, or the record is filed
  std::int32_t index_ = -1;
  std::int64_t ticket_ = -1;  // of the device clock
  std::int64_t end_ = 0;
  Device device_;
};

}  // namespace metron
