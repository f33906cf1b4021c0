// Names of Metron's ops and kernels in the reference.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace metron::tools {

// A row of the reference's tables.
struct ReferenceEntry {
  std::int64_t batch = 0;
  int rank = 0;
  std::string op;
  double total_us = 0;
};

// All rows of reference_ranking.csv. ValueError if the text is not such a table.
const std::vector<ReferenceEntry>& reference_entries();
std::vector<ReferenceEntry> parse_reference(std::string_view csv);

// "" if the reference has no counterpart.
std::string reference_op(std::string_view op);                             // "linear": "addmm"
std::string reference_kernel(std::string_view op, std::string_view slot);  // "relu", "unary": "threshold"

}  // namespace metron::tools
