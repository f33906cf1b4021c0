// What the timer records: one record for each slot call, op and range of the user's.
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
  op,      // what the user calls: contains kernels and other ops
  kernel,  // a slot call
  range,   // a part of the program that the user named: ProfileRange
};
const char* name_of(RecordKind kind);

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

// Times in nanoseconds of the steady clock.
struct Record {
  const char* name = "";           // "conv2d_forward"; of an op "conv2d". Lives as long as the process
  const char* provider = nullptr;  // of a kernel; "failed" for one that threw
  std::int32_t parent = -1;        // the record around this one
  std::int32_t forward = -1;       // of a backward op: the forward op's record
  std::uint32_t module = 0;        // module path, in Profile::strings
  std::uint32_t signature = 0;     // operands, in Profile::strings
  RecordKind kind = RecordKind::op;
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

// A block that the allocator gave out or took back while a record was open.
struct MemoryEvent {
  std::int64_t time = 0;     // ns of the steady clock
  std::int64_t delta = 0;    // bytes, rounded as the allocator does; negative when freed
  std::int64_t live = 0;     // bytes in live blocks of the device afterwards, whoever allocated them
  std::int32_t record = -1;  // the innermost one open
  Device::Type device = Device::Type::cpu;
};

// A step of the program's loop, as Profiler::step() marked it.
struct ProfiledStep {
  std::int64_t number = 0;  // counted from the profiler's start, also through steps that were not recorded
  std::int64_t start = 0;
  std::int64_t end = 0;
};

// What recording costs, measured when a profiler starts.
struct TimerCost {
  double op_ns = 0;         // the record of an op or range, as its surroundings feel it
  double op_inside_ns = 0;  // the part of it between the record's own start and end
  double kernel_ns = 0;
  double kernel_inside_ns = 0;
  double memory_ns = 0;  // a MemoryEvent
  double noise_ns = 0;   // the 95th percentile of empty records
};

// A copy of `name` that lives as long as the process, for records whose name is no literal.
const char* immortal(std::string_view name);

}  // namespace metron
