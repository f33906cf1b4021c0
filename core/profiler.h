// The embedded timer. It records every slot call and the ops around them, with path, phase, provider, shapes,
// bytes and FLOPs, and ranks them. Switched off it costs one predictable branch per call.
#pragma once

#include <metron/core/device.h>
#include <metron/core/dtype.h>
#include <metron/core/shape.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace metron {

// ---- What slot calls ask before anything else
// ----------------------------------------------------------------

inline constexpr std::uint32_t instrument_timer = 1;
inline constexpr std::uint32_t instrument_check = 2;

namespace detail {
extern std::atomic<std::uint32_t> active_instruments;
}
inline std::uint32_t instruments() { return detail::active_instruments.load(std::memory_order_relaxed); }

// ---- Records
// ---------------------------------------------------------------------------------------------------

enum class Phase : std::uint8_t { forward, backward, optimizer };
const char* name_of(Phase phase);

// Shapes and dtypes of a call's operands, as a key.
struct Signature {
  static constexpr int max_operands = 6;  // further ones count into the hash alone
  struct Operand {
    Shape shape;
    DType dtype = DType::float32;
  };
  std::array<Operand, max_operands> operands;
  int count = 0;
  std::uint64_t hash = 0xcbf29ce484222325u;

  void add(const Shape& shape, DType dtype);
  std::string to_string() const;  // "float32 (64, 1, 28, 28), float32 (32, 1, 3, 3)"
};

// One slot call, or one op around slot calls. Times in nanoseconds of the steady clock.
struct Record {
  const char* name = "";           // "conv2d_forward"; of an op "conv2d"
  const char* provider = nullptr;  // null for an op
  std::int32_t parent = -1;        // the record around this one
  std::int32_t forward = -1;       // of a backward op: the forward op's record
  std::uint32_t module = 0;        // module path, Profiler::string
  std::uint32_t signature = 0;     // operands, Profiler::string
  Phase phase = Phase::forward;
  Device::Type device = Device::Type::cpu;
  bool first = false;  // the first recorded call of this slot, provider and signature in the process
  std::int64_t start = 0;
  std::int64_t end = 0;
  double device_ns = -1;     // on the device's own clock; negative where it has none
  std::int64_t ticket = -1;  // of the device clock, until it is resolved
  double bytes = 0;          // read and written at least
  double flops = 0;
};

// The device half of the clock: marks on a device's queue, read when the report is asked for, never per op.
class DeviceClock {
 public:
  virtual ~DeviceClock() = default;
  virtual std::uint32_t begin(Device device) = 0;  // returns a ticket
  virtual void end(Device device, std::uint32_t ticket) = 0;
  virtual double resolve_ns(std::uint32_t ticket) = 0;  // may wait for the device; asked once a ticket
};
void install_device_clock(Device::Type type, std::unique_ptr<DeviceClock> clock);

// ---- Rankings
// --------------------------------------------------------------------------------------------------

struct RankingRow {
  std::string name;        // "conv2d", "conv2d backward", "onednn.conv2d_forward"
  std::string module;      // grouped by module: its path
  bool is_kernel = false;  // belongs to the op row before it
  Phase phase = Phase::forward;
  std::int64_t calls = 0;  // warm calls
  double total_us = 0;  // of the warm calls, with what is nested in them; the timer's own cost is taken out
  double self_us = 0;   // without what is nested
  std::int64_t first_calls = 0;
  double first_us = 0;  // total of the first calls, kept apart
  double first_self_us = 0;
  double device_us = -1;  // of the warm calls on the device's own clock; negative where it has none
  double share = 0;       // of the wall time: own time and, for an op, that of its kernels, warm and first
  double bytes = 0, flops = 0;  // of the warm calls
  bool above_noise = true;      // false where an average call is shorter than the timer can tell apart
  double average_us() const { return calls == 0 ? 0 : total_us / double(calls); }
  double gflops() const { return total_us == 0 ? 0 : flops / total_us * 1e-3; }
  double gbytes() const { return total_us == 0 ? 0 : bytes / total_us * 1e-3; }
};

enum class SortBy : std::uint8_t { total, self, calls, average, name };
enum class GroupBy : std::uint8_t { op, module };

struct RankingOptions {
  SortBy sort = SortBy::total;
  GroupBy group = GroupBy::op;
  int limit = 0;        // rows shown; 0: all
  bool kernels = true;  // show the kernels under their ops
};

// Self times, outside_us and timer_us add up to wall_us; so do the ops' shares to 100 % with theirs.
struct Ranking {
  std::vector<RankingRow> rows;  // ops in the order asked for, each followed by its kernels
  double wall_us = 0;            // from start to stop
  double outside_us = 0;         // outside of all ops: the caller's own code, waiting for data
  double timer_us = 0;           // the timer's own cost, measured at start and taken out of the rows
  double timer_per_record_ns = 0;
  double noise_ns = 0;  // spread of an empty record: shorter averages are not ranked against each other
  std::int64_t hidden_rows = 0;  // ops cut off by RankingOptions::limit
  std::string to_table() const;
};

// Records what the thread that starts it computes, between start and stop. One at a time in a process.
class Profiler {
 public:
  Profiler();
  ~Profiler();  // stops
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  void start();  // measures its own cost first; Error if another one is running
  void stop();   // may be started again: records accumulate
  void clear();
  bool running() const;

  const std::vector<Record>& records() const;  // device times resolved
  const std::string& string(std::uint32_t id) const;
  Ranking ranking(const RankingOptions& options = {}) const;

  struct State;  // core/profiler.cpp

 private:
  std::unique_ptr<State> state_;
};

// ---- Scopes: how ops, modules and phases name what runs inside
// --------------------------------------------------

// Times an op. `name` must outlive the profiler: a literal.
class OpScope {
 public:
  explicit OpScope(const char* name) {
    if ((instruments() & instrument_timer) != 0) [[unlikely]]
      begin(name);
  }
  ~OpScope() {
    if (index_ >= 0) [[unlikely]]
      end();
  }
  OpScope(const OpScope&) = delete;
  OpScope& operator=(const OpScope&) = delete;

 private:
  void begin(const char* name);
  void end();
  std::int32_t index_ = -1;
  std::int32_t outer_ = -1;
};

// Names the module whose forward runs.
class ModuleScope {
 public:
  explicit ModuleScope(const std::string& name) {
    if ((instruments() & instrument_timer) != 0) [[unlikely]]
      begin(name);
  }
  ~ModuleScope() {
    if (active_) [[unlikely]]
      end();
  }
  ModuleScope(const ModuleScope&) = delete;
  ModuleScope& operator=(const ModuleScope&) = delete;

 private:
  void begin(const std::string& name);
  void end();
  bool active_ = false;
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
  ~PhaseScope();
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;

 private:
  Phase previous_phase_;
  std::int32_t previous_forward_;
  std::uint32_t previous_module_;
};

// Times one slot call; used by Slot alone. stop() reads the clock, finish() files the record.
class KernelTimer {
 public:
  KernelTimer(const char* slot, Device device);
  ~KernelTimer();  // files the record as failed if the kernel threw
  KernelTimer(const KernelTimer&) = delete;
  KernelTimer& operator=(const KernelTimer&) = delete;
  void stop();
  void finish(const char* provider, const Signature& signature, double bytes, double flops);

 private:
  std::int32_t index_ = -1;  // negative: this thread is not recorded, or the record is filed
  Device device_;
};

}  // namespace metron
