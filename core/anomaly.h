// Anomaly mode: finds the op in which a NaN or an infinity first appears.
#pragma once

#include <metron/core/tensor.h>
#include <metron/core/timer/instruments.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace metron {

// In anomaly mode, a slot call throws an AnomalyError if one of its floating outputs has
//   - a NaN, or
//   - an infinity, while none of its inputs has one: masks of -inf stay usable.
// The message names the op, the module path, the slot and provider, the ranges of the inputs and, in a
// backward pass, the forward call. Calls without tensor inputs, such as full(), may make any value. Every
// call copies its operands to the host, so a step takes several times as long. METRON_ANOMALY=1 enables the
// mode at startup. It describes the forward calls of graphs that are recorded while it is on.
void set_anomaly_mode(bool enabled);
inline bool anomaly_mode() { return (instruments() & instrument_anomaly) != 0; }

struct ForwardCall;  // core/timer/internal/call_site.h

namespace detail {

// What a tensor of a floating dtype holds.
struct ValueSummary {
  std::string tensor;  // "float32 (64, 10)"
  std::int64_t count = 0, nans = 0, infinities = 0;
  std::int64_t first = -1;           // flat index of the first element that is not finite
  double smallest = 0, largest = 0;  // of the finite ones
};

// One slot call in anomaly mode.
class AnomalyCheck {
 public:
  // Before the call, which may overwrite its inputs.
  AnomalyCheck(const char* slot, std::span<const Tensor* const> inputs);
  // After it: AnomalyError.
  void check_outputs(const char* provider, std::span<const Tensor* const> outputs) const;

 private:
  [[noreturn]] void report(const char* provider, const ValueSummary& output, const Tensor& tensor) const;

  const char* slot_;
  std::vector<ValueSummary> inputs_;
  bool has_inputs_;
};

std::shared_ptr<const ForwardCall> forward_call(const char* op, std::span<const Tensor* const> inputs);

}  // namespace detail
}  // namespace metron
