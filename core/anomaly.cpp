#include <metron/core/anomaly.h>
#include <metron/core/internal/as_double.h>
#include <metron/core/internal/classic_stream.h>
#include <metron/core/timer/internal/call_site.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace metron {
namespace {

using detail::as_double, detail::ValueSummary;

template <typename T>
void summarize_values(const std::vector<T>& values, ValueSummary& summary) {
  summary.count = static_cast<std::int64_t>(values.size());
  summary.smallest = std::numeric_limits<double>::infinity();
  summary.largest = -summary.smallest;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double value = as_double(values[i]);
    if (std::isfinite(value)) {
      summary.smallest = std::min(summary.smallest, value);
      summary.largest = std::max(summary.largest, value);
      continue;
    }
    ++(std::isnan(value) ? summary.nans : summary.infinities);
    if (summary.first < 0) summary.first = static_cast<std::int64_t>(i);
  }
}

std::optional<ValueSummary> summarize(const Tensor& tensor) {
  if (!is_floating(tensor.dtype())) return std::nullopt;
  ValueSummary summary;
  summary.tensor = describe(tensor);
  visit_any_dtype(tensor.dtype(), [&]<typename T>() {
    if constexpr (!std::is_integral_v<T>) summarize_values(tensor.detach().to_vector<T>(), summary);
  });
  return summary;
}

// The index along each axis of an element.
std::string element_at(const Shape& shape, std::int64_t flat) {
  std::string text;
  for (int axis = static_cast<int>(shape.size()) - 1; axis >= 0; --axis) {
    text.insert(0, (axis == 0 ? "" : ", ") + std::to_string(flat % shape[axis]));
    flat /= shape[axis];
  }
  return "[" + text + "]";
}

void write_count(std::ostream& out, std::int64_t count, const char* one, const char* many) {
  out << count << ' ' << (count == 1 ? one : many);
}

void write_values(std::ostream& out, const ValueSummary& summary) {
  out << summary.tensor;
  if (summary.smallest <= summary.largest)
    out << " in [" << summary.smallest << ", " << summary.largest << "]";
  if (summary.nans > 0) out << " with " << summary.nans << " NaN";
  if (summary.infinities > 0) {
    out << (summary.nans > 0 ? " and " : " with ");
    write_count(out, summary.infinities, "infinity", "infinities");
  }
}

}  // namespace

void set_anomaly_mode(bool enabled) {
  if (enabled) {
    detail::active_instruments |= instrument_anomaly;
  } else {
    detail::active_instruments &= ~instrument_anomaly;
  }
}

namespace detail {

AnomalyCheck::AnomalyCheck(const char* slot, std::span<const Tensor* const> inputs)
    : slot_(slot), has_inputs_(!inputs.empty()) {
  for (const Tensor* input : inputs) {
    if (std::optional<ValueSummary> summary = summarize(*input)) inputs_.push_back(*std::move(summary));
  }
}

void AnomalyCheck::check_outputs(const char* provider, std::span<const Tensor* const> outputs) const {
  if (!has_inputs_) return;
  const bool infinite_input =
      std::ranges::any_of(inputs_, [](const ValueSummary& input) { return input.infinities > 0; });
  for (const Tensor* output : outputs) {
    const std::optional<ValueSummary> summary = summarize(*output);
    if (summary && (summary->nans > 0 || (summary->infinities > 0 && !infinite_input)))
      report(provider, *summary, *output);
  }
}

void AnomalyCheck::report(const char* provider, const ValueSummary& output, const Tensor& tensor) const {
  const CallSite& here = call_site();
  const char* op = here.ops.empty() ? slot_ : here.ops.back();
  const bool carried = std::ranges::any_of(inputs_, [](const ValueSummary& input) { return input.nans > 0; });
  ClassicStream out;
  out << (carried ? "carries on NaN that no op made, so that they came with data, weights or a gradient: "
                  : "makes ");
  if (output.nans > 0) out << output.nans << " NaN";
  if (output.infinities > 0) {
    out << (output.nans > 0 ? " and " : "");
    write_count(out, output.infinities, "infinity", "infinities");
  }
  out << " in " << output.count << " elements of " << output.tensor << ", the first at "
      << element_at(tensor.shape(), output.first) << "; slot " << slot_ << " of provider " << provider;
  for (auto outer = here.ops.rbegin(); outer != here.ops.rend(); ++outer) {
    if (outer != here.ops.rbegin()) out << ", in " << *outer;
  }
  if (!here.module.empty()) out << ", in module " << here.module;
  if (here.forward != nullptr) out << "; backward pass of " << here.forward->text;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    out << (i == 0 ? "; inputs: " : ", ");
    write_values(out, inputs_[i]);
  }
  fail<AnomalyError>(op, "METRON_ANOMALY: ", out.str());
}

std::shared_ptr<const ForwardCall> forward_call(const char* op, std::span<const Tensor* const> inputs) {
  auto call = std::make_shared<ForwardCall>();
  call->module = call_site().module;
  ClassicStream text;
  text << op << '(';
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    text << (i == 0 ? "" : ", ");
    if (inputs[i]->defined()) {
      text << describe(*inputs[i]);
    } else {
      text << "none";
    }
  }
  text << ')';
  call->text = text.str();
  return call;
}

}  // namespace detail
}  // namespace metron
