#include <metron/core/internal/classic_stream.h>
#include <metron/core/timer/record.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <sstream>
#include <unordered_set>

namespace metron {

const char* name_of(Phase phase) {
  switch (phase) {
    case Phase::forward:
      return "forward";
    case Phase::backward:
      return "backward";
    case Phase::optimizer:
      return "optimizer";
  }
  return "?";
}

const char* name_of(RecordKind kind) {
  switch (kind) {
    case RecordKind::op:
      return "op";
    case RecordKind::kernel:
      return "kernel";
    case RecordKind::range:
      return "range";
    case RecordKind::copy:
      return "copy";
    case RecordKind::wait:
      return "wait";
  }
  return "?";
}

void Signature::add(const Shape& shape, DType dtype) {
  if (count < max_operands) operands[static_cast<std::size_t>(count)] = {shape, dtype};
  ++count;
  const auto mix = [this](std::uint64_t value) { hash = (hash ^ value) * 0x9E3779B97F4A7C15u; };
  mix(static_cast<std::uint64_t>(dtype) << 8 | static_cast<std::uint64_t>(shape.size()));
  for (const std::int64_t size : shape) mix(static_cast<std::uint64_t>(size));
  hash ^= hash >> 29;
}

std::string Signature::to_string() const {
  detail::ClassicStream out;
  for (int i = 0; i < std::min(count, max_operands); ++i) {
    const Operand& operand = operands[static_cast<std::size_t>(i)];
    out << (i == 0 ? "" : ", ") << name_of(operand.dtype) << ' ' << operand.shape;
  }
  if (count > max_operands) out << ", and " << count - max_operands << " more";
  return out.str();
}

// Never destroyed, since records may be read until the process exits.
// Elements of an unordered_set are stable.
const char* immortal(std::string_view name) {
  static std::mutex mutex;
  static std::unordered_set<std::string>& names =
      *std::make_unique<std::unordered_set<std::string>>().release();
  const std::lock_guard lock(mutex);
  return names.emplace(name).first->c_str();
}

}  // namespace metron
