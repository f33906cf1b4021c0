// Compares predicted bounds with measurements of the same ops.
#pragma once

#include <metron/tools/predict/bounds.h>
#include <metron/tools/statistics.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace metron::tools {

struct MeasuredOp {
  std::string name;
  double total_us = 0;
};

struct AgreementRow {
  std::string name, measured_name;
  int rank = 0;  // among the rows, 1 is the largest; equal ones share it
  double bound_us = 0;
  int measured_rank = 0;
  double measured_us = 0;
};

struct Agreement {
  std::vector<AgreementRow> rows;  // ops of both sides, in the order of the prediction
  RankCorrelation correlation;     // Kendall's tau-b of bounds and measurements
};

// Forward ops only. `measured_name` translates the name of an op; "" if it was not measured.
Agreement compare(const Prediction& prediction, std::span<const MeasuredOp> measured,
                  const std::function<std::string(std::string_view)>& measured_name);

}  // namespace metron::tools
