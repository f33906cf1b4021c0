#include <metron/core/error.h>
#include <metron/core/numbers.h>
#include <metron/tools/reference/names.h>

#include <algorithm>
#include <optional>

namespace metron::tools {

extern const char* const reference_csv;  // reference_ranking.csv, embedded by CMake

namespace {

bool in_reference(std::string_view name) {
  const auto& entries = reference_entries();
  return std::any_of(entries.begin(), entries.end(), [&](const ReferenceEntry& e) { return e.op == name; });
}

std::string_view take_until(std::string_view& text, char end) {
  const std::size_t length = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(std::min(length + 1, text.size()));
  return taken;
}

template <typename T>
T number(std::string_view text) {
  const std::optional<T> value = parse_number<T>(text);
  check<ValueError>(value.has_value(), "reference", "expected a number, got \"", text, '"');
  return *value;
}

}  // namespace

std::vector<ReferenceEntry> parse_reference(std::string_view csv) {
  check<ValueError>(take_until(csv, '\n') == "batch_size,rank,op,total_us", "reference",
                    "the first line must be batch_size,rank,op,total_us");
  std::vector<ReferenceEntry> entries;
  while (!csv.empty()) {
    std::string_view line = take_until(csv, '\n');
    if (line.empty()) continue;
    ReferenceEntry entry;
    entry.batch = number<std::int64_t>(take_until(line, ','));
    entry.rank = number<int>(take_until(line, ','));
    entry.op = take_until(line, ',');
    entry.total_us = number<double>(line);
    entries.push_back(std::move(entry));
  }
  return entries;
}

const std::vector<ReferenceEntry>& reference_entries() {
  static const std::vector<ReferenceEntry> entries = parse_reference(reference_csv);
  return entries;
}

std::string reference_op(std::string_view op) {
  if (op == "linear") return "addmm";
  if (op == "dropout2d") return "feature_dropout";
  return in_reference(op) ? std::string(op) : "";
}

// Rows nested in the reference that are part of one kernel here.
std::string reference_kernel(std::string_view op, std::string_view slot) {
  if (op == "conv2d" && slot == "conv2d_forward") return "convolution";
  if (op == "relu" && slot == "unary") return "threshold";
  if (op == "max_pool2d" && slot == "max_pool2d") return "max_pool2d_with_indices";
  if (op == "log_softmax" && slot == "softmax") return "_log_softmax";
  return "";
}

}  // namespace metron::tools
