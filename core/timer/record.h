// Timer records: one for each slot call, op and user-defined range.
#pragma once

#include <metron/core/device.h>
#include <metron/core/dtype.h>
#include <metron/core/shape.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace metron {

enum class Phase : std::uint8_t { forward, backward, optimizer };
const char* name_of(Phase phase);

enum class RecordKind : std::uint8_t {
  op,      // a public op; contains kernels and other ops
  kernel,  // a slot call
  range,   // a ProfileRange
  copy,    // between host and device
  wait,    // the host waits for the device
};
const char* name_of(RecordKind kind);

// Shapes and dtypes of the operands of a call, as a key.
struct Signature {
  static constexpr int max_operands = 6;  // further ones only enter the hash
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

// Times in nanoseconds of the steady clock.
struct Record {
  const char* name = "";           // a kernel's "conv2d_forward", an op's "conv2d"; never freed
  const char* provider = nullptr;  // of a kernel; "failed" if it threw
  std::int32_t parent = -1;        // the enclosing record
  std::int32_t forward = -1;       // of a backward op: the record of its forward op
  std::uint32_t module = 0;        // module path, in Profile::strings
  std::uint32_t signature = 0;     // operands, in Profile::strings
  RecordKind kind = RecordKind::op;
  Phase phase = Phase::forward;
  Device::Type device = Device::Type::cpu;
  bool first = false;  // the first recorded call of this slot, provider and signature in the process
  std::int64_t start = 0;
  std::int64_t end = 0;
  double device_ns = -1;     // on the device clock; negative if there is none
  double device_start = -1;  // ns on the device clock, from an arbitrary origin; negative if unknown
  std::int64_t ticket = -1;  // of the device clock, until resolved
  double bytes = 0;          // read and written, lower bound
  double flops = 0;
};

// An allocation or deallocation by the recorded thread.
struct MemoryEvent {
  std::int64_t time = 0;     // ns of the steady clock
  std::int64_t delta = 0;    // bytes, rounded up to the size class; negative when freed
  std::int64_t live = 0;     // bytes in live blocks of the device afterwards, from all threads
  std::int32_t record = -1;  // the innermost open record
  Device::Type device = Device::Type::cpu;
};

// A training step, delimited by Profiler::step().
struct ProfiledStep {
  std::int64_t number = 0;  // since the profiler started, including steps that were not recorded
  std::int64_t start = 0;
  std::int64_t end = 0;
};

// Overhead of recording, measured when a profiler starts.
struct TimerCost {
  double op_ns = 0;         // overhead of an op or range on the enclosing record
  double op_inside_ns = 0;  // the part of op_ns within the record itself
  double kernel_ns = 0;
  double kernel_inside_ns = 0;
  double memory_ns = 0;  // overhead of a MemoryEvent
  double noise_ns = 0;   // the 95th percentile of empty records
  // On the device clock; 0 without one.
  double device_ns = 0;        // of an empty record
  double device_noise_ns = 0;  // the 95th percentile of empty records, above device_ns
  double events_ns = 0;        // on the host, of a record's events: half of it within the record
};

// An interned copy of `name` that is never freed, for record names that are not literals.
const char* immortal(std::string_view name);

}  // namespace metron
